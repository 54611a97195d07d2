"""The steps of the script of budgets."""

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

from modegate.adapters.redis.batcher import Entry, Waiting
from modegate.adapters.redis.connection import PREFIX
from modegate.domain.budgets.account import Account, Charge
from modegate.domain.budgets.window import Window


class Held:
    """A reservation of this gateway: the amount of each account, and the window it counts in."""

    def __init__(self, reservation: str, amounts: Mapping[Account, tuple[int, int]]) -> None:
        self.reservation = reservation
        self.amounts = amounts
        self.is_missing = False


def keys_of(accounts: Sequence[Account]) -> Sequence[str]:
    """Returns the keys of accounts and of the leases of their reservations."""
    found: list[str] = []
    for it in accounts:
        key = f"{PREFIX}budget:{it.subject}:{it.unit.value}:{it.period.value}"
        found += (key, f"{key}:leases")
    return found


class Reserve(Waiting):
    """Reserves all charges or none. `on_end` gets to know how it ended."""

    def __init__(
        self,
        reservation: str,
        charges: Sequence[Charge],
        on_end: Callable[["Reserve", Sequence[int] | None], None],
    ) -> None:
        super().__init__()
        self.reservation = reservation
        self.charges = charges
        self._on_end = on_end
        self.keys = keys_of([it.account for it in charges])
        amounts = ((it.window.start, it.window.end, it.limit, it.amount) for it in charges)
        self.arguments = ("r", reservation, len(charges), *chain.from_iterable(amounts))

    def succeed(self, reply: Any) -> None:
        """Notes the reservation, then passes the reply to the caller."""
        self._on_end(self, reply)
        super().succeed(reply)

    def fail(self, error: Exception) -> None:
        """Gives the reservation up, which the store may have noted."""
        self._on_end(self, None)
        super().fail(error)


class Settle(Waiting):
    """Settles a reservation. One that failed is kept by `on_failure`, and sent again."""

    def __init__(
        self,
        reservation: str,
        amounts: Mapping[Account, int],
        on_failure: Callable[["Settle"], None],
        *,
        is_lasting: bool = True,
    ) -> None:
        super().__init__()
        self.is_lasting = is_lasting  # others matter only as long as the lease
        self.began = time.monotonic()
        self._on_failure = on_failure
        self.keys = keys_of(list(amounts))
        self.arguments = ("s", reservation, len(amounts), *amounts.values())

    def fail(self, error: Exception) -> None:
        """Raises the error at the caller, and keeps the entry for the next call."""
        self._on_failure(self)
        super().fail(error)
        self.future.exception()  # retrieved, because nobody may wait for it

    def is_abandoned(self) -> bool:
        """Returns False: it is sent also if its caller was cancelled."""
        return False


class Look(Waiting):
    """Reads accounts."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        super().__init__()
        self.keys = keys_of(accounts)
        self.arguments = ("l", len(accounts))


class Begin(Waiting):
    """Sets what an account spent, if the store does not have the account."""

    def __init__(self, account: Account, window: Window, spent: int) -> None:
        super().__init__()
        self.keys = keys_of([account])
        self.arguments = ("b", window.start, window.end, spent)


class Renew(Entry):
    """Renews the lease of a reservation; restores it if the store lost its data."""

    def __init__(self, held: Held) -> None:
        self._held = held
        self.keys = keys_of(list(held.amounts))
        amounts = chain.from_iterable(held.amounts.values())
        self.arguments = (
            *("h", held.reservation, int(held.is_missing), len(held.amounts)),
            *amounts,
        )

    def succeed(self, reply: Any) -> None:
        """Notes whether the store has it."""
        self._held.is_missing = bool(reply[0])

    def fail(self, error: Exception) -> None:
        """Does nothing: the next renewal follows."""
