import signal

import pytest

from modegate.entrypoints.http.server.stop_signals import stop_signals


@pytest.mark.parametrize(
    ("handler", "is_stop_signal"), [(signal.SIG_DFL, True), (signal.SIG_IGN, False), (None, True)]
)
def test_sighup_is_a_stop_signal_unless_it_is_ignored(
    handler: object, is_stop_signal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda _: handler)
    assert (signal.SIGHUP in stop_signals()) == is_stop_signal
    assert {signal.SIGTERM, signal.SIGINT} <= {*stop_signals()}
