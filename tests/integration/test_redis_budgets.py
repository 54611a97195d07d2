"""Budgets on a real store: contract, leases, outages, and a store that lost its data."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import redis
from support.redis import RedisServer, redis_server
from support.waiting import until_awaited

from modegate.adapters.redis import budget_ledger
from modegate.adapters.redis.budget_ledger import RedisBudgetLedger
from modegate.adapters.redis.connection import RedisConnection
from modegate.adapters.redis.options import RedisOptions
from modegate.application.ports.budget_ledger import SpendingHistory
from modegate.domain.budgets.account import InsufficientBudgetError
from modegate.domain.errors import StorageError
from modegate.testing.contracts.budget_ledger import (
    DOLLARS,
    LIMIT,
    TOKENS,
    BudgetLedgerContract,
    KnownHistory,
    charge,
    left,
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, store_kind: str) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis"), name=store_kind) as server:
        yield server


@pytest.fixture
def server(running: RedisServer) -> RedisServer:
    with redis.Redis.from_url(running.full_url) as client:
        client.flushall()
    return running


@asynccontextmanager
async def opened(
    server: RedisServer, history: SpendingHistory | None = None
) -> AsyncIterator[RedisBudgetLedger]:
    connection = RedisConnection(RedisOptions(server.url))
    ledger = RedisBudgetLedger(connection, history or KnownHistory())
    try:
        yield ledger
    finally:
        await ledger.aclose()
        await connection.aclose()


class TestRedisBudgetLedger(BudgetLedgerContract):
    @pytest.fixture(autouse=True)
    def _server(self, server: RedisServer) -> None:
        self._running = server

    @asynccontextmanager
    async def ledger(self, history: SpendingHistory) -> AsyncIterator[RedisBudgetLedger]:
        async with opened(self._running, history) as ledger:
            yield ledger


async def test_gateways_never_exceed_a_limit_together(server: RedisServer) -> None:
    history = KnownHistory({TOKENS: 50})  # each of them sets it, one counts
    async with opened(server, history) as one, opened(server, history) as other:
        outcomes = await asyncio.gather(
            *(
                ledger.reserve(f"{name}{i}", [charge(LIMIT // 10), charge(1, DOLLARS)])
                for i in range(25)
                for name, ledger in (("a", one), ("b", other))
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(it, InsufficientBudgetError) for it in outcomes) == 45
        assert sum(isinstance(it, BaseException) for it in outcomes) == 45
        assert await left(one) == await left(other) == 0
        assert await left(one, DOLLARS) == LIMIT - 5


async def test_a_cancelled_call_reserves_nothing(server: RedisServer) -> None:
    async with opened(server) as ledger:
        await ledger.reserve("first", [charge(0)])
        for i in range(20):
            reserving = asyncio.create_task(ledger.reserve(f"r{i}", [charge(50)]))
            for _ in range(i % 7):
                await asyncio.sleep(0)
            reserving.cancel()
            await asyncio.wait({reserving})
            if not reserving.cancelled():
                await ledger.settle(f"r{i}", {})
            assert await left(ledger) == LIMIT


async def test_a_reservation_of_a_dead_gateway_is_dropped_at_its_deadline(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(server) as ledger:
        monkeypatch.setattr(budget_ledger, "SETTINGS", (50, 60_000))
        async with opened(server) as dead:
            await dead.reserve("r1", [charge(60)])
        monkeypatch.undo()

        async def free() -> bool:
            return await left(ledger) == LIMIT

        await until_awaited(free)
        await ledger.reserve("r2", [charge(LIMIT)])


async def test_settlements_during_an_outage_count_once_when_the_store_is_back(
    server: RedisServer,
) -> None:
    async with opened(server) as ledger, opened(server) as other:
        await ledger.reserve("r1", [charge(60)])
        await ledger.reserve("r2", [charge(30)])
        server.kill()
        for reservation, amount in (("r1", 25), ("r2", 30)):
            with pytest.raises(StorageError):
                await ledger.settle(reservation, {TOKENS: amount})
        with pytest.raises(StorageError):  # whether it was made is not known
            await ledger.reserve("r3", [charge(10)])
        server.start()

        async def settled() -> bool:
            return await left(other) == LIMIT - 55

        await until_awaited(settled)
        assert await ledger.settle("r1", {TOKENS: 25}) == {}
        await ledger.reserve("r4", [charge(LIMIT - 55)])


async def test_a_store_that_lost_its_data_is_set_from_the_history(server: RedisServer) -> None:
    spent = {TOKENS: 20}
    async with opened(server, KnownHistory(spent)) as ledger:
        await ledger.reserve("r1", [charge(30)])
        with redis.Redis.from_url(server.full_url) as client:
            client.flushall()
        assert await left(ledger) in {LIMIT - 20, LIMIT - 50}  # restored with the account
        assert await left(ledger) == LIMIT - 50
        await ledger.settle("r1", {TOKENS: 5})
        assert await left(ledger) == LIMIT - 25
