"""The ports for budgets."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from modegate.domain.budgets.account import Account, Balance, Charge
from modegate.domain.budgets.window import Window


class BudgetLedger(Protocol):
    """Holds what each account used in its current window, settled and reserved.

    Exact under concurrency. An account that is not known yet begins with what `SpendingHistory`
    says. A charge for a later window begins that window; one for an earlier window, as after a step
    of the clock, counts in the current one.
    """

    async def reserve(self, reservation: str, charges: Sequence[Charge]) -> Sequence[Balance]:
        """Reserves all charges or none, and returns the balances after it, in the same order.

        The caller settles each reservation that was made, exactly once, also when it is cancelled;
        a cancelled call reserves nothing. A reservation of a process that died is dropped within a
        minute.

        Raises:
            InsufficientBudgetError: an account has less left than its charge.
        """
        ...

    async def settle(
        self, reservation: str, amounts: Mapping[Account, int]
    ) -> Mapping[Account, int]:
        """Replaces a reservation by the real amounts; an account without one is released.

        Idempotent: a reservation that is unknown, or settled already, changes nothing. It completes
        even if the call is cancelled. Returns the used amounts after it, by account.
        """
        ...

    async def balances(self, charges: Sequence[Charge]) -> Sequence[Balance]:
        """Returns the balances of accounts without a reservation; the amounts have no meaning."""
        ...


class SpendingHistory(Protocol):
    """Knows what was spent in the past."""

    async def spent(self, account: Account, window: Window) -> int:
        """Returns what an account spent in a window so far."""
        ...
