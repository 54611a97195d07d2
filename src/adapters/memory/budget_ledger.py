"""Budgets of one process, in memory."""

from collections.abc import Mapping, Sequence

from modegate.application.ports.budget_ledger import SpendingHistory
from modegate.domain.budgets.account import Account, Balance, Charge, InsufficientBudgetError
from modegate.domain.budgets.window import Window
from modegate.lazy_dataclass import dataclass


@dataclass(slots=True)
class _Spending:
    window: Window
    spent: int
    reserved: int = 0

    def begin(self, window: Window) -> None:
        """Begins a later window."""
        self.window, self.spent, self.reserved = window, 0, 0

    def balance(self, charge: Charge) -> Balance:
        return Balance(charge.account, self.window, charge.limit, self.spent + self.reserved)


@dataclass(frozen=True, slots=True)
class _Reserved:
    account: Account
    window: Window
    amount: int


class MemoryBudgetLedger:
    """Holds the spending of one process; `history` has what earlier processes spent.

    Nothing is awaited between the check and the change, so concurrent requests cannot exceed a
    limit together.
    """

    def __init__(self, history: SpendingHistory) -> None:
        self._history = history
        self._accounts: dict[Account, _Spending] = {}
        self._open: dict[str, Sequence[_Reserved]] = {}

    async def reserve(self, reservation: str, charges: Sequence[Charge]) -> Sequence[Balance]:
        """Reserves all charges or none.

        Raises:
            InsufficientBudgetError: an account has less left than its charge.
        """
        for charge in charges:
            if charge.account not in self._accounts:
                await self._load(charge)
        spending = [self._current(charge) for charge in charges]
        for charge, account in zip(charges, spending, strict=True):
            if charge.amount > charge.limit - account.spent - account.reserved:
                raise InsufficientBudgetError(account.balance(charge))
        for charge, account in zip(charges, spending, strict=True):
            account.reserved += charge.amount
        self._open[reservation] = [
            _Reserved(charge.account, account.window, charge.amount)
            for charge, account in zip(charges, spending, strict=True)
        ]
        return [it.balance(charge) for charge, it in zip(charges, spending, strict=True)]

    async def settle(
        self, reservation: str, amounts: Mapping[Account, int]
    ) -> Mapping[Account, int]:
        """Replaces a reservation by the real amounts. Idempotent."""
        used = {}
        for reserved in self._open.pop(reservation, ()):
            spending = self._accounts[reserved.account]
            if spending.window.start == reserved.window.start:
                spending.reserved -= reserved.amount
                spending.spent += amounts.get(reserved.account, 0)
            used[reserved.account] = spending.spent + spending.reserved
        return used

    async def balances(self, charges: Sequence[Charge]) -> Sequence[Balance]:
        """Returns the balances of accounts."""
        for charge in charges:
            if charge.account not in self._accounts:
                await self._load(charge)
        return [self._current(charge).balance(charge) for charge in charges]

    async def _load(self, charge: Charge) -> None:
        spent = await self._history.spent(charge.account, charge.window)
        # A concurrent call may have loaded the account, and used it.
        self._accounts.setdefault(charge.account, _Spending(charge.window, spent))

    def _current(self, charge: Charge) -> _Spending:
        spending = self._accounts[charge.account]
        if charge.window.start > spending.window.start:
            spending.begin(charge.window)
        return spending
