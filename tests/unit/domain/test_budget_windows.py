"""The windows of budgets."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.domain.budgets.window import CurrentWindows, Period, window_at

BERLIN = ZoneInfo("Europe/Berlin")


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("period", "time", "start", "end"),
    [
        ("minute", "2026-11-26T10:20:59.9Z", "2026-11-26T10:20:00Z", "2026-11-26T10:21:00Z"),
        ("day", "2026-11-26T23:59:59.9Z", "2026-11-26T00:00:00Z", "2026-11-27T00:00:00Z"),
        ("week", "2026-11-26T10:20:00Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
        ("week", "2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
        ("month", "2026-11-30T23:59:59Z", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
        ("month", "2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
    ],
)
def test_windows_begin_and_end_at_utc_midnight(
    period: str, time: str, start: str, end: str
) -> None:
    window = window_at(Period(period), unix(time), UTC)
    assert (window.start, window.end) == (unix(start), unix(end))


@pytest.mark.parametrize(
    ("time", "start", "hours"),
    [
        ("2026-03-29T12:00:00+02:00", "2026-03-29T00:00:00+01:00", 23),
        ("2026-10-25T12:00:00+01:00", "2026-10-25T00:00:00+02:00", 25),
    ],
)
def test_days_with_a_change_of_the_clock_have_23_or_25_hours(
    time: str, start: str, hours: int
) -> None:
    window = window_at(Period.DAY, unix(time), BERLIN)
    assert (window.start, window.end - window.start) == (unix(start), hours * 3600)


@given(st.sampled_from(list(Period)), st.floats(0, 4e9), st.sampled_from([UTC, BERLIN]))
def test_windows_contain_their_time_and_follow_each_other(
    period: Period, time: float, zone: ZoneInfo
) -> None:
    window = window_at(period, time, zone)
    assert window.start <= time < window.end
    assert window_at(period, window.end, zone).start == window.end
    assert window_at(period, window.start, zone) == window


@given(st.lists(st.tuples(st.sampled_from(list(Period)), st.floats(0, 4e9)), max_size=9))
def test_kept_windows_are_those_of_their_time(asked: list[tuple[Period, float]]) -> None:
    windows = CurrentWindows()
    for period, time in asked:
        for zone in (UTC, BERLIN):
            assert windows.at(time, zone)(period) == window_at(period, time, zone)
