"""The windows of budgets: minutes, days, weeks and months of a time zone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import partial

from modegate.lazy_dataclass import dataclass

MINUTE_S = 60
MONTHS = 12


class Period(StrEnum):
    """The length of a budget's windows. Weeks begin on Monday; minutes are for token limits."""

    MINUTE = "minute"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Window:
    """A window in Unix seconds; the end is excluded."""

    start: int
    end: int


def window_at(period: Period, time: float, zone: tzinfo = UTC) -> Window:
    """Returns the window of a time in Unix seconds; its bounds are midnights of the zone."""
    if period is Period.MINUTE:
        minute = int(time) // MINUTE_S * MINUTE_S
        return Window(minute, minute + MINUTE_S)
    day = datetime.fromtimestamp(time, zone).date()
    match period:
        case Period.DAY:
            first, following = day, day + timedelta(days=1)
        case Period.WEEK:
            first = day - timedelta(days=day.weekday())
            following = first + timedelta(days=7)
        case _:
            first = day.replace(day=1)
            year, month = first.year + first.month // MONTHS, first.month % MONTHS + 1
            following = first.replace(year=year, month=month)
    # Midnight as the zone counts it, because a day may have 23 or 25 hours.
    start, end = (
        datetime(it.year, it.month, it.day, tzinfo=zone).timestamp() for it in (first, following)
    )
    return Window(int(start), int(end))


class CurrentWindows:
    """The windows of the present time, each computed once: a date costs as much as a reservation."""

    def __init__(self) -> None:
        self._zone: tzinfo = UTC
        self._known: dict[Period, Window] = {}

    def at(self, time: float, zone: tzinfo) -> Callable[[Period], Window]:
        """Returns the function from a period to its window at a time."""
        if zone is not self._zone:
            self._zone, self._known = zone, {}
        return partial(self._find, time)

    def _find(self, time: float, period: Period) -> Window:
        known = self._known.get(period)
        if known is None or not known.start <= time < known.end:
            known = self._known[period] = window_at(period, time, self._zone)
        return known
