"""The parts of a query: days where it has whole days, else hours, else rows."""

from collections.abc import Iterator
from enum import Enum, auto

from modegate.domain.usage.query import DAY_MS, HOUR_MS, Group, UsageQuery
from modegate.domain.usage.row import first_id
from modegate.lazy_dataclass import dataclass

HOURS_IN_DAY = DAY_MS // HOUR_MS


class Source(Enum):
    """What a part is read from."""

    DAYS = auto()
    HOURS = auto()
    ROWS = auto()


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a query's time; `start` and `end` are numbers of days, of hours, or ids of rows."""

    source: Source
    start: int
    end: int


def segments_of(query: UsageQuery) -> Iterator[Segment]:
    """Yields the segments of a query, which do not overlap, and none of which is empty."""
    used = {*query.groups, *query.filters}
    first, last = -(-query.start_ms // HOUR_MS), query.end_ms // HOUR_MS
    start, end = first_id(query.start_ms), first_id(query.end_ms)
    if Group.SESSION in used or first >= last:
        yield Segment(Source.ROWS, start, end)
        return
    days = -(-first // HOURS_IN_DAY), last // HOURS_IN_DAY
    parts = [
        Segment(Source.ROWS, start, first_id(first * HOUR_MS)),
        Segment(Source.ROWS, first_id(last * HOUR_MS), end),
    ]
    if Group.HOUR in used or days[0] >= days[1]:
        parts.append(Segment(Source.HOURS, first, last))
    else:
        parts.append(Segment(Source.HOURS, first, days[0] * HOURS_IN_DAY))
        parts.append(Segment(Source.DAYS, *days))
        parts.append(Segment(Source.HOURS, days[1] * HOURS_IN_DAY, last))
    yield from (it for it in parts if it.start < it.end)
