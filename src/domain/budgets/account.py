"""What a budget counts, and for whom."""

from dataclasses import field
from enum import StrEnum

from modegate.domain.budgets.window import Period, Window
from modegate.lazy_dataclass import dataclass

# The subject of the budget of the whole gateway; no key has this id.
GATEWAY = "*"
NANO_USD = 1_000_000_000


class Unit(StrEnum):
    """What an account counts. Amounts are integers, so that sums are exact."""

    NANO_USD = "usd"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Account:
    """The spending of one subject, a key's id or `GATEWAY`, in each window of a period."""

    subject: str
    unit: Unit
    period: Period
    # Computed once: enumerations compute theirs in Python, and accounts are keys of mappings.
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.subject, self.unit, self.period)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(slots=True)  # not frozen: created for each request
class Charge:
    """An amount to reserve in an account's current window, of which at most `limit` may be used."""

    account: Account
    window: Window
    limit: int
    amount: int


@dataclass(slots=True)  # not frozen: created for each request
class Balance:
    """An account's use in a window, settled and reserved; it may exceed the limit."""

    account: Account
    window: Window
    limit: int
    used: int

    @property
    def remaining(self) -> int:
        """The amount that is left, at least 0."""
        return max(0, self.limit - self.used)

    @property
    def is_of_key_budget(self) -> bool:
        """Whether it is of a key's budget: neither of the gateway's, nor of tokens a minute."""
        return self.account.subject != GATEWAY and self.account.period is not Period.MINUTE


class InsufficientBudgetError(Exception):
    """An account has too little left for a charge; `balance` is without it."""

    def __init__(self, balance: Balance) -> None:
        super().__init__("insufficient budget")
        self.balance = balance


def nano_usd(dollars: float) -> int:
    """Returns an amount of US dollars in billionths, rounded."""
    return round(dollars * NANO_USD)


def amount_text(unit: Unit, amount: int) -> str:
    """Returns an amount as it is shown to people."""
    return f"{amount} tokens" if unit is Unit.TOKENS else f"{amount / NANO_USD:.4f} USD"
