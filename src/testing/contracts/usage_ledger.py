"""The contract of a `UsageLedger`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType
from typing import Any

import pytest

from modegate.application.ports.usage_ledger import MAX_GROUPS, UsageLedger
from modegate.domain.errors import InvalidRequestError
from modegate.domain.health import LedgerState
from modegate.domain.request_record import FailedAttempt
from modegate.domain.usage.query import DAY_MS, HOUR_MS, Group, RequestsQuery, UsageQuery
from modegate.domain.usage.row import UsageRow, first_id
from modegate.domain.usage.sums import Sums, UsageGroup

DAY = 20_000  # 2024-10-04
NOON_MS = DAY * DAY_MS + 12 * HOUR_MS
FULL = UsageRow(
    id=first_id(NOON_MS) + 7,
    key="env-1",
    model="gpt-4o",
    used_model="gpt-4o-2024-08-06",
    upstream="openai",
    credential="env",
    mode="openai-passthrough",
    endpoint="/v1/chat/completions",
    request_id="mine",
    session="s",
    conversation="c",
    agent="a",
    parent_agent="p",
    subagent="review",
    prompt_tokens=30,
    cached_tokens=8,
    cache_write_tokens=2,
    completion_tokens=21,
    reasoning_tokens=5,
    cost_nano_usd=1_200_000,
    price_version="2024-10",
    status=502,
    error="upstream_error",
    seconds=1.25,
    first_token_s=0.5,
    estimated=True,
    attempts=(FailedAttempt("other", "upstream_error", 429, 0.25),),
)


def row_at(time_ms: int, number: int = 0, **fields: Any) -> UsageRow:
    """Returns a row of one prompt token that ended at a time."""
    return UsageRow(first_id(time_ms) + number, prompt_tokens=1)._replace(**fields)


def asking(
    *groups: Group,
    start: int = 0,
    end: int = NOON_MS * 2,
    filters: Mapping[Group, str] = MappingProxyType({}),
) -> UsageQuery:
    """Returns a query over all rows, or from `start` until before `end`."""
    return UsageQuery(start_ms=start, end_ms=end, groups=groups, filters=filters)


async def requests_by(ledger: UsageLedger, query: UsageQuery) -> dict[object, int]:
    """Returns the number of requests by the values of their group, in the answer's order."""
    found = await ledger.sums(query)
    return {it.values if len(it.values) > 1 else it.values[0]: it.sums.requests for it in found}


async def all_rows(ledger: UsageLedger) -> Sequence[UsageRow]:
    """Returns the rows, the oldest first."""
    return list(await ledger.page(0, 1000))


@pytest.mark.anyio
class UsageLedgerContract(ABC):
    """Tests the empty ledger that `ledger` returns."""

    @abstractmethod
    def ledger(self) -> AbstractAsyncContextManager[UsageLedger]:
        """Returns the context of a new, empty ledger."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop library."""
        return "asyncio"

    async def test_a_new_ledger_is_empty_and_works(self) -> None:
        async with self.ledger() as ledger:
            assert await all_rows(ledger) == []
            assert list(await ledger.sums(asking())) == [UsageGroup((), Sums())]
            assert list(await ledger.sums(asking(Group.KEY))) == []
            condition = ledger.condition()
            assert (condition.state, condition.pending, condition.lost) == (LedgerState.OK, 0, 0)

    async def test_all_fields_of_an_added_row_are_stored(self) -> None:
        async with self.ledger() as ledger:
            bare = row_at(NOON_MS + 1)
            ledger.add(FULL)
            ledger.add(bare)
            assert await all_rows(ledger) == [FULL, bare]
            assert list(await ledger.requests(RequestsQuery(limit=9))) == [bare, FULL]

    async def test_sums_are_those_of_the_rows(self) -> None:
        async with self.ledger() as ledger:
            rows = [
                FULL,
                row_at(NOON_MS, 1, cost_nano_usd=1),
                row_at(NOON_MS, 2, cost_nano_usd=2, cached_tokens=3, completion_tokens=2**34),
                row_at(NOON_MS, 3, status=429, prompt_tokens=0),
                row_at(NOON_MS, 4, status=499),
                row_at(NOON_MS, 5, error="stream_error", reasoning_tokens=4),
            ]
            for row in rows:
                ledger.add(row)
            (found,) = await ledger.sums(asking())
            assert found == (
                (),
                Sums(
                    requests=6,
                    errors=4,
                    prompt_tokens=34,
                    cached_tokens=11,
                    cache_write_tokens=2,
                    completion_tokens=2**34 + 21,
                    reasoning_tokens=9,
                    cost_nano_usd=1_200_003,
                    priced=3,
                    unpriced=2,
                    estimated=1,
                ),
            )

    @pytest.mark.parametrize("group", [it for it in Group if it not in {Group.DAY, Group.HOUR}])
    async def test_rows_are_grouped_and_filtered_by_each_field(self, group: Group) -> None:
        async with self.ledger() as ledger:
            for number, value in enumerate(("b", "a", None, "b")):
                ledger.add(row_at(NOON_MS, number, **{str(group): value}))
            assert list((await requests_by(ledger, asking(group))).items()) == [
                (None, 1),
                ("a", 1),
                ("b", 2),
            ]
            assert await requests_by(ledger, asking(group, filters={group: "b"})) == {"b": 2}
            assert await requests_by(ledger, asking(Group.DAY, filters={group: "a"})) == {DAY: 1}
            assert await requests_by(ledger, asking(Group.DAY, filters={group: "x"})) == {}

    async def test_days_and_hours_are_those_of_utc(self) -> None:
        async with self.ledger() as ledger:
            for number, time_ms in enumerate(
                (DAY * DAY_MS - 1, DAY * DAY_MS, DAY * DAY_MS + HOUR_MS, (DAY + 1) * DAY_MS)
            ):
                ledger.add(row_at(time_ms, number))
            assert await requests_by(ledger, asking(Group.DAY)) == {DAY - 1: 1, DAY: 2, DAY + 1: 1}
            hour = DAY * 24
            expected = {(DAY - 1, hour - 1): 1, (DAY, hour): 1, (DAY, hour + 1): 1}
            query = asking(Group.DAY, Group.HOUR, end=(DAY + 1) * DAY_MS)
            assert await requests_by(ledger, query) == expected

    async def test_the_beginning_of_a_query_counts_and_its_end_does_not(self) -> None:
        async with self.ledger() as ledger:
            starts = [
                NOON_MS + 1,
                NOON_MS + HOUR_MS,
                (DAY + 1) * DAY_MS,
                (DAY + 1) * DAY_MS + HOUR_MS + HOUR_MS // 2,
                (DAY + 3) * DAY_MS,
                (DAY + 3) * DAY_MS + 5 * HOUR_MS,
                (DAY + 3) * DAY_MS + 5 * HOUR_MS + 1,
            ]
            for number, time_ms in enumerate(starts):
                ledger.add(row_at(time_ms, number, session="s"))
            for groups in ((), (Group.DAY,), (Group.HOUR,), (Group.SESSION,)):
                for first, start in enumerate(starts):
                    for last, end in enumerate(starts[first + 1 :], first + 1):
                        found = await ledger.sums(asking(*groups, start=start, end=end))
                        assert sum(it.sums.requests for it in found) == last - first

    async def test_the_last_requests_are_filtered(self) -> None:
        async with self.ledger() as ledger:
            rows = [
                row_at(NOON_MS, number, key=key, status=status, request_id=name)
                for number, (key, status, name) in enumerate(
                    (("a", 200, "x"), ("a", 404, "y"), ("b", 429, "x"), ("a", 500, "x"))
                )
            ]
            later = row_at(NOON_MS + 5)
            for row in (*rows, later):
                ledger.add(row)

            async def found(query: RequestsQuery) -> list[UsageRow]:
                return list(await ledger.requests(query))

            assert await found(RequestsQuery(limit=2)) == [later, rows[3]]
            assert await found(RequestsQuery(limit=9, since_ms=NOON_MS + 5)) == [later]
            assert await found(RequestsQuery(limit=9, statuses=(400, 499))) == [rows[2], rows[1]]
            assert await found(RequestsQuery(limit=9, key="b")) == [rows[2]]
            query = RequestsQuery(limit=9, key="a", request_id="x", statuses=(500, 500))
            assert await found(query) == [rows[3]]

    async def test_pages_have_each_row_once(self) -> None:
        async with self.ledger() as ledger:
            rows = [row_at(NOON_MS, number) for number in range(5)]
            for row in rows:
                ledger.add(row)
            assert list(await ledger.page(0, 2)) == rows[:2]
            assert list(await ledger.page(rows[1].id, 9)) == rows[2:]
            assert list(await ledger.page(rows[4].id, 9)) == []

    async def test_a_row_is_put_once(self) -> None:
        async with self.ledger() as ledger:
            other = row_at(NOON_MS, 8)
            ledger.add(FULL)
            assert await ledger.put([FULL, other]) == 1
            assert await ledger.put([other, FULL]) == 0
            assert await all_rows(ledger) == [FULL, other]
            (found,) = await ledger.sums(asking())
            assert found.sums == Sums.of(FULL).plus(Sums.of(other))

    async def test_two_rows_with_one_id_are_both_stored(self) -> None:
        async with self.ledger() as ledger:
            rows = [row_at(NOON_MS, key=key) for key in "abcd"]
            ledger.add(rows[0])
            ledger.add(rows[1])
            assert {it.key for it in await all_rows(ledger)} == {"a", "b"}
            assert await ledger.put(rows) == 2
            assert await ledger.put(rows) == 0
            stored = await all_rows(ledger)
            assert sorted(str(it.key) for it in stored) == ["a", "b", "c", "d"]
            assert {it.time_ms for it in stored} == {NOON_MS}

    async def test_expired_rows_go_and_the_sums_of_their_days_stay(self) -> None:
        async with self.ledger() as ledger:
            begin = DAY * DAY_MS
            rows = [row_at(begin - 2 + number, key="a") for number in range(4)]
            for row in rows:
                ledger.add(row)
            assert await ledger.expire(begin, 1) == 1
            assert await all_rows(ledger) == rows[1:]
            assert await ledger.expire(begin, 9) == 1
            assert await ledger.expire(begin, 9) == 0
            assert await all_rows(ledger) == rows[2:]
            query = asking(Group.DAY, filters={Group.KEY: "a"})
            assert await requests_by(ledger, query) == {DAY - 1: 2, DAY: 2}
            assert await requests_by(ledger, asking(Group.HOUR)) == {DAY * 24: 2}

    async def test_too_many_groups_are_an_error(self) -> None:
        async with self.ledger() as ledger:
            await ledger.put([row_at(NOON_MS, it, session=f"{it}") for it in range(MAX_GROUPS + 1)])
            with pytest.raises(InvalidRequestError):
                await ledger.sums(asking(Group.SESSION))
            assert len(await ledger.sums(asking(Group.SESSION, filters={Group.SESSION: "7"}))) == 1
