"""The contract suite of usage ledgers, run on the memory ledger and on broken fakes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from support.contracts import duties_of, expect_failure

from modegate.adapters.memory.usage_ledger import MemoryUsageLedger
from modegate.domain.usage.query import Group, RequestsQuery, UsageQuery
from modegate.domain.usage.row import UsageRow
from modegate.domain.usage.sums import UsageGroup
from modegate.testing.contracts.usage_ledger import FULL, UsageLedgerContract


class TestMemoryUsageLedger(UsageLedgerContract):
    @asynccontextmanager
    async def ledger(self) -> AsyncIterator[MemoryUsageLedger]:
        yield MemoryUsageLedger()


class Full(MemoryUsageLedger):
    def __init__(self) -> None:
        super().__init__()
        self.add(FULL)


class Forgetful(MemoryUsageLedger):
    def add(self, row: UsageRow) -> None:
        super().add(row._replace(attempts=()))


class Careless(MemoryUsageLedger):
    async def sums(self, query: UsageQuery) -> Sequence[UsageGroup]:
        found = await super().sums(query)
        return [UsageGroup(it.values, it.sums._replace(unpriced=0)) for it in found]


class Unfiltered(MemoryUsageLedger):
    async def sums(self, query: UsageQuery) -> Sequence[UsageGroup]:
        return await super().sums(replace(query, filters={}))


class LocalTime(MemoryUsageLedger):
    async def sums(self, query: UsageQuery) -> Sequence[UsageGroup]:
        return [
            UsageGroup(
                tuple(
                    value + 1 if group is Group.DAY and isinstance(value, int) else value
                    for group, value in zip(query.groups, it.values, strict=True)
                ),
                it.sums,
            )
            for it in await super().sums(query)
        ]


class IncludesEnd(MemoryUsageLedger):
    async def sums(self, query: UsageQuery) -> Sequence[UsageGroup]:
        return await super().sums(replace(query, end_ms=query.end_ms + 1))


class OldestFirst(MemoryUsageLedger):
    async def requests(self, query: RequestsQuery) -> Sequence[UsageRow]:
        return list(reversed(await super().requests(query)))


class Repeating(MemoryUsageLedger):
    async def page(self, after: int, limit: int) -> Sequence[UsageRow]:
        return await super().page(after - 1, limit)


class PutsAgain(MemoryUsageLedger):
    async def put(self, rows: Sequence[UsageRow]) -> int:
        return await super().put([it._replace(request_id=f"{len(self._rows)}") for it in rows])


class Overwriting(MemoryUsageLedger):
    def add(self, row: UsageRow) -> None:
        self._rows[row.id] = row


class Forgetting(MemoryUsageLedger):
    async def expire(self, before_ms: int, limit: int) -> int:
        deleted = await super().expire(before_ms, limit)
        self._expired.clear()
        return deleted


class Endless(MemoryUsageLedger):
    async def sums(self, query: UsageQuery) -> Sequence[UsageGroup]:
        return await super().sums(replace(query, filters=query.filters or {Group.SESSION: "1"}))


BROKEN: Mapping[str, type[MemoryUsageLedger]] = {
    "test_a_new_ledger_is_empty_and_works": Full,
    "test_all_fields_of_an_added_row_are_stored": Forgetful,
    "test_sums_are_those_of_the_rows": Careless,
    "test_rows_are_grouped_and_filtered_by_each_field": Unfiltered,
    "test_days_and_hours_are_those_of_utc": LocalTime,
    "test_the_beginning_of_a_query_counts_and_its_end_does_not": IncludesEnd,
    "test_the_last_requests_are_filtered": OldestFirst,
    "test_pages_have_each_row_once": Repeating,
    "test_a_row_is_put_once": PutsAgain,
    "test_two_rows_with_one_id_are_both_stored": Overwriting,
    "test_expired_rows_go_and_the_sums_of_their_days_stay": Forgetting,
    "test_too_many_groups_are_an_error": Endless,
}
PARAMETERS = {"test_rows_are_grouped_and_filtered_by_each_field": (Group.KEY,)}


def test_every_duty_has_a_broken_ledger() -> None:
    assert set(BROKEN) == duties_of(UsageLedgerContract)


@pytest.mark.parametrize(("duty", "broken"), BROKEN.items())
async def test_a_broken_ledger_fails_its_duty(duty: str, broken: type[MemoryUsageLedger]) -> None:
    class Suite(UsageLedgerContract):
        @asynccontextmanager
        async def ledger(self) -> AsyncIterator[MemoryUsageLedger]:
            yield broken()

    test = getattr(Suite(), duty)
    await expect_failure(lambda: test(*PARAMETERS.get(duty, ())))
