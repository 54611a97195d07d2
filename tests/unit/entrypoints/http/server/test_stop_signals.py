import signal

import pytest

from modegate.entrypoints.http.server.stop_signals import stop_signals


@pytest.mark.parametrize(
    ("handler", "heeded"), [(signal.SIG_DFL, True), (signal.SIG_IGN, False), (None, True)]
)
def test_a_hangup_that_is_ignored_stays_so(
    handler: object, heeded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda _: handler)
    assert (signal.SIGHUP in stop_signals()) == heeded
    assert {signal.SIGTERM, signal.SIGINT} <= {*stop_signals()}
