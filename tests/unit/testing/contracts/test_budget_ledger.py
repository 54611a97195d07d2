"""The contract suite of budget ledgers, run on the memory ledger and on broken fakes."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from support.contracts import duties_of, expect_failure

from modegate.adapters.memory.budget_ledger import MemoryBudgetLedger
from modegate.application.ports.budget_ledger import SpendingHistory
from modegate.domain.budgets.account import Account, Balance, Charge, InsufficientBudgetError
from modegate.testing.contracts.budget_ledger import (
    DOLLARS,
    TODAY,
    BudgetLedgerContract,
    KnownHistory,
)


class TestMemoryBudgetLedger(BudgetLedgerContract):
    @asynccontextmanager
    async def ledger(self, history: SpendingHistory) -> AsyncIterator[MemoryBudgetLedger]:
        yield MemoryBudgetLedger(history)


class KeepsOneBack(MemoryBudgetLedger):
    async def reserve(self, reservation: str, charges: Sequence[Charge]) -> Sequence[Balance]:
        return await super().reserve(
            reservation, [replace(it, limit=it.limit - 1) for it in charges]
        )


class Boundless(MemoryBudgetLedger):
    async def reserve(self, reservation: str, charges: Sequence[Charge]) -> Sequence[Balance]:
        return await super().reserve(reservation, [replace(it, limit=10**9) for it in charges])


class OneByOne(MemoryBudgetLedger):
    async def reserve(self, reservation: str, charges: Sequence[Charge]) -> Sequence[Balance]:
        made: list[Balance] = []
        for number, charge in enumerate(charges):
            made += await super().reserve(f"{reservation}/{number}", [charge])
        return made


class ChecksTooEarly(MemoryBudgetLedger):
    async def reserve(self, reservation: str, charges: Sequence[Charge]) -> Sequence[Balance]:
        for charge, balance in zip(charges, await self.balances(charges), strict=True):
            if charge.amount > balance.remaining:
                raise InsufficientBudgetError(balance)
        await asyncio.sleep(0)
        raised = [replace(it, limit=10**9) for it in charges]
        return await super().reserve(reservation, raised)


class NeverSettles(MemoryBudgetLedger):
    async def settle(
        self,
        reservation: str,
        amounts: Mapping[Account, int],  # noqa: ARG002
    ) -> Mapping[Account, int]:
        return {it.account: it.amount for it in self._open.pop(reservation, ())}


class SettlesTwice(MemoryBudgetLedger):
    async def settle(
        self, reservation: str, amounts: Mapping[Account, int]
    ) -> Mapping[Account, int]:
        kept = self._open.get(reservation, ())
        used = await super().settle(reservation, amounts)
        self._open[reservation] = [replace(it, amount=0) for it in kept]
        return used


class CapsAtTheReservation(MemoryBudgetLedger):
    async def settle(
        self, reservation: str, amounts: Mapping[Account, int]
    ) -> Mapping[Account, int]:
        reserved = {it.account: it.amount for it in self._open.get(reservation, ())}
        capped = {it: min(amount, reserved.get(it, 0)) for it, amount in amounts.items()}
        return await super().settle(reservation, capped)


class OneWindow(MemoryBudgetLedger):
    async def reserve(self, reservation: str, charges: Sequence[Charge]) -> Sequence[Balance]:
        return await super().reserve(reservation, [replace(it, window=TODAY) for it in charges])


class GoesBack(MemoryBudgetLedger):
    async def reserve(self, reservation: str, charges: Sequence[Charge]) -> Sequence[Balance]:
        for charge in charges:
            if (spending := self._accounts.get(charge.account)) is not None:
                spending.begin(charge.window)
        return await super().reserve(reservation, charges)


class WithoutHistory(MemoryBudgetLedger):
    def __init__(self, history: SpendingHistory) -> None:  # noqa: ARG002
        super().__init__(KnownHistory())


class ForgetsTheSecondAccount(MemoryBudgetLedger):
    async def settle(
        self, reservation: str, amounts: Mapping[Account, int]
    ) -> Mapping[Account, int]:
        kept = {account: it for account, it in amounts.items() if account != DOLLARS}
        return await super().settle(reservation, kept)


BROKEN: Mapping[str, type[MemoryBudgetLedger]] = {
    "test_a_charge_of_all_that_is_left_is_reserved": KeepsOneBack,
    "test_a_charge_above_what_is_left_is_refused_with_the_balance": Boundless,
    "test_all_charges_are_reserved_or_none": OneByOne,
    "test_concurrent_charges_never_exceed_the_limit": ChecksTooEarly,
    "test_settling_replaces_the_reservation_by_the_real_amount": ForgetsTheSecondAccount,
    "test_an_account_without_an_amount_is_released": NeverSettles,
    "test_settling_is_idempotent": SettlesTwice,
    "test_a_real_amount_may_exceed_the_limit": CapsAtTheReservation,
    "test_a_later_window_begins_at_zero": OneWindow,
    "test_a_charge_for_an_earlier_window_counts_in_the_current_one": GoesBack,
    "test_a_new_account_begins_with_its_history": WithoutHistory,
}


def test_every_contract_test_has_a_fake_that_breaks_it() -> None:
    assert set(BROKEN) == duties_of(BudgetLedgerContract)


@pytest.mark.parametrize("duty", BROKEN)
async def test_each_contract_test_fails_for_a_broken_ledger(duty: str) -> None:
    class Suite(BudgetLedgerContract):
        @asynccontextmanager
        async def ledger(self, history: SpendingHistory) -> AsyncIterator[MemoryBudgetLedger]:
            yield BROKEN[duty](history)

    await expect_failure(getattr(Suite(), duty))
