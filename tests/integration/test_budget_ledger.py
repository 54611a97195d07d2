"""The SQLite ledger of budgets: its contract, leases, and processes that share a file."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from modegate.adapters.sqlite.budget_ledger import FILE, SqliteBudgetLedger
from modegate.application.ports.budget_ledger import SpendingHistory
from modegate.domain.budgets.account import InsufficientBudgetError
from modegate.testing.contracts.budget_ledger import (
    LIMIT,
    TOKENS,
    BudgetLedgerContract,
    KnownHistory,
    charge,
    left,
)


@asynccontextmanager
async def opened(
    folder: Path, history: SpendingHistory | None = None
) -> AsyncIterator[SqliteBudgetLedger]:
    ledger = SqliteBudgetLedger(folder, history or KnownHistory())
    try:
        yield ledger
    finally:
        await ledger.aclose()


class TestSqliteBudgetLedger(BudgetLedgerContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self._tmp_path = tmp_path

    @asynccontextmanager
    async def ledger(self, history: SpendingHistory) -> AsyncIterator[SqliteBudgetLedger]:
        async with opened(self._tmp_path, history) as ledger:
            yield ledger


async def test_ledgers_of_one_folder_never_exceed_a_limit_together(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        outcomes = await asyncio.gather(
            *(
                ledger.reserve(f"{name}{i}", [charge(LIMIT // 10)])
                for i in range(25)
                for name, ledger in (("a", one), ("b", other))
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(it, InsufficientBudgetError) for it in outcomes) == 40
        assert await left(one) == await left(other)


async def test_what_was_spent_survives_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await ledger.reserve("r1", [charge(60)])
        await ledger.settle("r1", {TOKENS: 25})
    async with opened(tmp_path) as ledger:
        assert await left(ledger) == LIMIT - 25


async def test_a_reservation_counts_for_another_process_until_its_lease_ends(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as dead, opened(tmp_path) as ledger:
        await dead.reserve("r1", [charge(60)])
        assert await left(ledger) == LIMIT - 60
        with sqlite3.connect(tmp_path / FILE) as database:
            database.execute("UPDATE reservations SET deadline = deadline - 60")
        database.close()
        assert await left(ledger) == LIMIT
        await ledger.reserve("r2", [charge(LIMIT)])


async def test_a_cancelled_call_reserves_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await ledger.reserve("first", [charge(0)])
        for i in range(20):
            reserving = asyncio.create_task(ledger.reserve(f"r{i}", [charge(50)]))
            for _ in range(i % 5):
                await asyncio.sleep(0)
            reserving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reserving
            assert await left(ledger) == LIMIT
