"""What a request must reserve before it is sent."""

from collections.abc import Callable, Iterator, Sequence

from modegate.domain.budgets.account import GATEWAY, Account, Charge, Unit, nano_usd
from modegate.domain.budgets.budget import Budget
from modegate.domain.budgets.window import Period, Window
from modegate.lazy_dataclass import dataclass


@dataclass(slots=True)  # not frozen: created for each request
class Estimate:
    """An upper estimate of a request; `cost_usd` is None if no price is known."""

    tokens: int
    cost_usd: float | None

    def amount(self, unit: Unit) -> int:
        """Returns what an account of a unit reserves; 0 for an unknown price."""
        return self.tokens if unit is Unit.TOKENS else nano_usd(self.cost_usd or 0.0)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an account may use in each of its windows."""

    account: Account
    limit: int


def allowances_of(
    key_id: str, tpm: int | None, budget: Budget | None, gateway: Budget | None
) -> Sequence[Allowance]:
    """Returns the accounts that a request is charged to: its key's, and the gateway's.

    `tpm` are the key's tokens a minute.
    """
    found = []
    if tpm is not None:
        found.append(Allowance(Account(key_id, Unit.TOKENS, Period.MINUTE), tpm))
    if budget is not None:
        found += _of_budget(key_id, budget)
    if gateway is not None:
        found += _of_budget(GATEWAY, gateway)
    return found


def charges_for(
    allowances: Sequence[Allowance], estimate: Estimate, window: Callable[[Period], Window]
) -> Sequence[Charge]:
    """Returns the charges of a request; `window` returns the current window of a period."""
    return [
        Charge(it.account, window(it.account.period), it.limit, estimate.amount(it.account.unit))
        for it in allowances
    ]


def _of_budget(subject: str, budget: Budget) -> Iterator[Allowance]:
    if budget.usd is not None:
        yield Allowance(Account(subject, Unit.NANO_USD, budget.period), nano_usd(budget.usd))
    if budget.tokens is not None:
        yield Allowance(Account(subject, Unit.TOKENS, budget.period), budget.tokens)
