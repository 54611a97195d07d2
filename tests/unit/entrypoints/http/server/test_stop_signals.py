import signal

from modegate.entrypoints.http.server.stop_signals import stop_signals


def test_sighup_stops_no_gateway() -> None:
    assert set(stop_signals()) == {signal.SIGTERM, signal.SIGINT}
