"""The usage ledger in memory; it ends with the process."""

from collections.abc import Sequence

from modegate.application.ports.usage_ledger import MAX_GROUPS
from modegate.domain.errors.catalogue import usage as errors
from modegate.domain.usage.condition import LedgerCondition
from modegate.domain.usage.query import DAY_MS, Group, RequestsQuery, UsageQuery
from modegate.domain.usage.row import UsageRow, next_id
from modegate.domain.usage.sums import Sums, UsageGroup


class MemoryUsageLedger:
    """Keeps all rows in a dictionary, for tests. Expired rows still count in sums of whole days."""

    def __init__(self) -> None:
        self._rows: dict[int, UsageRow] = {}
        self._expired: dict[int, UsageRow] = {}

    def add(self, row: UsageRow) -> None:
        """Stores the row."""
        self._store(row)

    def condition(self) -> LedgerCondition:
        """Returns that nothing is wrong."""
        return LedgerCondition()

    async def flush(self) -> None:
        """Returns at once."""

    async def sums(self, query: UsageQuery) -> Sequence[UsageGroup]:
        """Returns the sums of each group."""
        found: dict[tuple[str | int | None, ...], Sums] = {} if query.groups else {(): Sums()}
        for row in [*self._rows.values(), *self._remaining(query)]:
            if query.matches(row):
                values = tuple(group.of(row) for group in query.groups)
                found[values] = found.get(values, Sums()).plus(Sums.of(row))
        if len(found) > MAX_GROUPS:
            raise errors.too_many_groups(MAX_GROUPS)
        return [UsageGroup(*it) for it in sorted(found.items(), key=lambda it: _sortable(it[0]))]

    async def requests(self, query: RequestsQuery) -> Sequence[UsageRow]:
        """Returns the last rows that match."""
        newest = (self._rows[it] for it in sorted(self._rows, reverse=True))
        return [row for row in newest if query.matches(row)][: query.limit]

    async def page(self, after: int, limit: int) -> Sequence[UsageRow]:
        """Returns rows with an id above `after`."""
        return [self._rows[it] for it in sorted(self._rows) if it > after][:limit]

    async def put(self, rows: Sequence[UsageRow]) -> int:
        """Stores the rows that are not there yet."""
        return sum(self._store(row) for row in rows)

    async def expire(self, before_ms: int, limit: int) -> int:
        """Moves the oldest rows out of sight."""
        old = [it for it in sorted(self._rows) if self._rows[it].time_ms < before_ms][:limit]
        for it in old:
            self._expired[it] = self._rows.pop(it)
        return len(old)

    def _store(self, row: UsageRow) -> bool:
        while (present := self._rows.get(row.id)) is not None:
            if present == row:
                return False
            row = row._replace(id=next_id(row))
        self._rows[row.id] = row
        return True

    def _remaining(self, query: UsageQuery) -> list[UsageRow]:
        """Returns the expired rows that whole days of the query have."""
        if {*query.groups, *query.filters} & {Group.SESSION, Group.HOUR}:
            return []
        first, last = -(-query.start_ms // DAY_MS), query.end_ms // DAY_MS
        return [it for it in self._expired.values() if first <= it.time_ms // DAY_MS < last]


def _sortable(values: tuple[str | int | None, ...]) -> list[tuple[bool, str | int]]:
    return [(it is not None, it if it is not None else 0) for it in values]
