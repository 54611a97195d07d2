"""The sums of the rows of one batch, by hour and group."""

from collections.abc import Iterator

from modegate.domain.usage.query import DAY_MS, HOUR_MS
from modegate.domain.usage.row import FIRST_ERROR_STATUS, UsageRow, first_id
from modegate.domain.usage.sums import Sums

IDS_IN_HOUR = first_id(HOUR_MS)
HOURS_IN_DAY = DAY_MS // HOUR_MS

SumsRow = tuple[int, ...]
"""A period, the id of a group, and the fields of `Sums`."""


class HourlySums:
    """Adds rows up; `add` costs a third of `Sums.plus`."""

    def __init__(self) -> None:
        self._sums: dict[tuple[int, int], list[int]] = {}

    def add(self, row: UsageRow, group: int) -> None:
        """Adds a row to the sums of its hour and group."""
        period = row[0] // IDS_IN_HOUR, group
        sums = self._sums.get(period)
        if sums is None:
            sums = self._sums[period] = [0] * len(Sums._fields)
        sums[0] += 1
        if row[21] >= FIRST_ERROR_STATUS or row[22] is not None:
            sums[1] += 1
        sums[2] += row[14]
        sums[3] += row[15]
        sums[4] += row[16]
        sums[5] += row[17]
        sums[6] += row[18]
        if (cost := row[19]) is not None:
            sums[7] += cost
            sums[8] += 1
        elif row.is_unpriced:
            sums[9] += 1
        if row[25]:
            sums[10] += 1

    def hours(self) -> Iterator[SumsRow]:
        """Yields the sums by hour and group, in this order.

        All writers change the sums in one order, so that none waits for another in a circle.
        """
        for period in sorted(self._sums):
            yield (*period, *self._sums[period])

    def days(self) -> Iterator[SumsRow]:
        """Yields the sums by day and group, in this order."""
        days: dict[tuple[int, int], list[int]] = {}
        for (hour, group), sums in self._sums.items():
            day = days.setdefault((hour // HOURS_IN_DAY, group), [0] * len(sums))
            day[:] = [a + b for a, b in zip(day, sums, strict=True)]
        for period in sorted(days):
            yield (*period, *days[period])
