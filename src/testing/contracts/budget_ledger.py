"""The contract of a `BudgetLedger`."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager

import pytest

from modegate.application.ports.budget_ledger import BudgetLedger, SpendingHistory
from modegate.domain.budgets.account import Account, Charge, InsufficientBudgetError, Unit
from modegate.domain.budgets.window import Period, Window

TOKENS = Account("key_a", Unit.TOKENS, Period.DAY)
DOLLARS = Account("key_a", Unit.NANO_USD, Period.MONTH)
TODAY, TOMORROW = Window(1_000, 2_000), Window(2_000, 3_000)
LIMIT = 100


class KnownHistory:
    """A history of fixed amounts; 0 for any other account."""

    def __init__(self, spent: Mapping[Account, int] | None = None) -> None:
        self._spent = dict(spent or {})

    async def spent(self, account: Account, window: Window) -> int:  # noqa: ARG002
        """Returns the fixed amount, after a switch of tasks as in a real history."""
        await asyncio.sleep(0)
        return self._spent.get(account, 0)


def charge(amount: int, account: Account = TOKENS, window: Window = TODAY) -> Charge:
    """Returns a charge under `LIMIT`."""
    return Charge(account, window, LIMIT, amount)


async def left(ledger: BudgetLedger, account: Account = TOKENS, window: Window = TODAY) -> int:
    """Returns what an account has left."""
    (balance,) = await ledger.balances([charge(0, account, window)])
    return balance.remaining


@pytest.mark.anyio
class BudgetLedgerContract(ABC):
    """Tests the ledger that `ledger` returns for a history."""

    @abstractmethod
    def ledger(self, history: SpendingHistory) -> AbstractAsyncContextManager[BudgetLedger]:
        """Returns the context of a new ledger without accounts."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop library."""
        return "asyncio"

    async def test_a_charge_of_all_that_is_left_is_reserved(self) -> None:
        async with self.ledger(KnownHistory()) as ledger:
            (balance,) = await ledger.reserve("r1", [charge(LIMIT)])
            assert (balance.account, balance.window, balance.remaining) == (TOKENS, TODAY, 0)

    async def test_a_charge_above_what_is_left_is_refused_with_the_balance(self) -> None:
        async with self.ledger(KnownHistory()) as ledger:
            await ledger.reserve("r1", [charge(60)])
            with pytest.raises(InsufficientBudgetError) as caught:
                await ledger.reserve("r2", [charge(41)])
            assert caught.value.balance.remaining == LIMIT - 60
            assert caught.value.balance.window == TODAY

    async def test_all_charges_are_reserved_or_none(self) -> None:
        async with self.ledger(KnownHistory()) as ledger:
            with pytest.raises(InsufficientBudgetError) as caught:
                await ledger.reserve("r1", [charge(10), charge(LIMIT + 1, DOLLARS)])
            assert caught.value.balance.account == DOLLARS
            assert await left(ledger) == LIMIT

    async def test_concurrent_charges_never_exceed_the_limit(self) -> None:
        async with self.ledger(KnownHistory()) as ledger:
            outcomes = await asyncio.gather(
                *(ledger.reserve(f"r{i}", [charge(LIMIT // 10)]) for i in range(50)),
                return_exceptions=True,
            )
            refused = [it for it in outcomes if isinstance(it, InsufficientBudgetError)]
            assert len(refused) == 40
            assert await left(ledger) == 0

    async def test_settling_replaces_the_reservation_by_the_real_amount(self) -> None:
        async with self.ledger(KnownHistory()) as ledger:
            await ledger.reserve("r1", [charge(60), charge(50, DOLLARS)])
            used = await ledger.settle("r1", {TOKENS: 25, DOLLARS: 75})
            assert used == {TOKENS: 25, DOLLARS: 75}
            assert (await left(ledger), await left(ledger, DOLLARS)) == (75, 25)

    async def test_an_account_without_an_amount_is_released(self) -> None:
        async with self.ledger(KnownHistory()) as ledger:
            await ledger.reserve("r1", [charge(60)])
            await ledger.settle("r1", {})
            assert await left(ledger) == LIMIT

    async def test_settling_is_idempotent(self) -> None:
        async with self.ledger(KnownHistory()) as ledger:
            await ledger.reserve("r1", [charge(60)])
            await ledger.settle("r1", {TOKENS: 25})
            assert await ledger.settle("r1", {TOKENS: 25}) == {}
            assert await ledger.settle("unknown", {TOKENS: 25}) == {}
            assert await left(ledger) == LIMIT - 25

    async def test_a_real_amount_may_exceed_the_limit(self) -> None:
        async with self.ledger(KnownHistory()) as ledger:
            await ledger.reserve("r1", [charge(10)])
            assert await ledger.settle("r1", {TOKENS: LIMIT + 5}) == {TOKENS: LIMIT + 5}
            assert await left(ledger) == 0
            with pytest.raises(InsufficientBudgetError):
                await ledger.reserve("r2", [charge(1)])

    async def test_a_later_window_begins_at_zero(self) -> None:
        async with self.ledger(KnownHistory()) as ledger:
            await ledger.reserve("old", [charge(90)])
            (balance,) = await ledger.reserve("new", [charge(80, window=TOMORROW)])
            assert (balance.window, balance.remaining) == (TOMORROW, LIMIT - 80)
            await ledger.settle("old", {TOKENS: 90})
            assert await left(ledger, window=TOMORROW) == LIMIT - 80

    async def test_a_charge_for_an_earlier_window_counts_in_the_current_one(self) -> None:
        async with self.ledger(KnownHistory()) as ledger:
            await ledger.reserve("r1", [charge(60, window=TOMORROW)])
            (balance,) = await ledger.reserve("r2", [charge(40, window=TODAY)])
            assert (balance.window, balance.remaining) == (TOMORROW, 0)

    async def test_a_new_account_begins_with_its_history(self) -> None:
        async with self.ledger(KnownHistory({TOKENS: 70})) as ledger:
            assert await left(ledger) == 30
            outcomes = await asyncio.gather(
                *(ledger.reserve(f"r{i}", [charge(15)]) for i in range(3)), return_exceptions=True
            )
            assert sum(isinstance(it, InsufficientBudgetError) for it in outcomes) == 1
            assert await left(ledger) == 0
