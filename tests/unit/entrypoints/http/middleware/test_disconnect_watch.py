"""Reports of lost connections."""

from modegate.entrypoints.http.middleware.disconnect_watch import DisconnectWatch


def test_a_lost_connection_is_reported_once() -> None:
    reports: list[str] = []
    watch = DisconnectWatch()
    watch.start(lambda: reports.append("lost"))
    watch.report()
    watch.report()
    assert reports == ["lost"]


def test_a_connection_that_was_lost_before_the_watch_is_reported_at_its_start() -> None:
    reports: list[str] = []
    watch = DisconnectWatch()
    watch.report()
    watch.start(lambda: reports.append("lost"))
    assert reports == ["lost"]


def test_a_stopped_watch_reports_nothing() -> None:
    reports: list[str] = []
    watch = DisconnectWatch()
    watch.start(stopped := lambda: reports.append("lost"))
    watch.stop(stopped)
    watch.report()
    assert not reports


def test_a_request_cannot_stop_the_watch_of_the_next_one() -> None:
    reports: list[str] = []
    watch = DisconnectWatch()
    watch.start(earlier := lambda: reports.append("earlier"))
    watch.start(lambda: reports.append("later"))
    watch.stop(earlier)
    watch.report()
    assert reports == ["later"]
