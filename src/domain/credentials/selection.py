"""Strategies that choose one credential among the usable ones."""

import heapq
from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

from modegate.domain.credentials.member import Member, Usable
from modegate.domain.credentials.rendezvous import Rendezvous


class Strategy(StrEnum):
    """How the credential of a request is chosen among the usable ones."""

    FILL_FIRST = "fill-first"
    ROUND_ROBIN = "round-robin"
    WEIGHTED = "weighted"
    STICKY = "sticky"


class Selector(Protocol):
    """Chooses a member for each request."""

    def choose(self, usable: Usable, sticky_key: str) -> Member:
        """Returns a usable member; there is at least one."""
        ...


class FillFirst:
    """Chooses the first member, for every request."""

    def choose(self, usable: Usable, _: str) -> Member:
        """Returns the first member."""
        return usable.members[0]


class RoundRobin:
    """Gives equal turns, in the order of the file."""

    def __init__(self) -> None:
        self._last = -1

    def choose(self, usable: Usable, _: str) -> Member:
        """Returns the member after the last one chosen."""
        following = bisect_right(usable.positions, self._last)
        chosen = usable.members[following % len(usable.members)]
        self._last = chosen.position
        return chosen


class Weighted:
    """Gives turns by weight, spread evenly; exact over one period, which is the sum of weights.

    The k-th turn of a member with weight w is due at (k - 1/2) / w. A period has exactly w turns of
    it before time 1.
    """

    def __init__(self) -> None:
        self._usable: Usable | None = None
        self._due: list[tuple[float, int, int, int]] = []

    def choose(self, usable: Usable, _: str) -> Member:
        """Returns the member whose next turn is due first; ties go to the first in the file."""
        if usable is not self._usable:
            self._usable = usable
            self._due = [self._entry(usable, at, 1) for at in range(len(usable.members))]
            heapq.heapify(self._due)
        at, turn = self._due[0][2:]
        heapq.heapreplace(self._due, self._entry(usable, at, turn + 1))
        return usable.members[at]

    def _entry(self, usable: Usable, at: int, turn: int) -> tuple[float, int, int, int]:
        member = usable.members[at]
        return (turn - 0.5) / member.credential.weight, member.position, at, turn


def selector_for(strategy: Strategy, members: Sequence[Member]) -> Selector:
    """Returns a new selector for a pool's members."""
    match strategy:
        case Strategy.FILL_FIRST:
            return FillFirst()
        case Strategy.ROUND_ROBIN:
            return RoundRobin()
        case Strategy.WEIGHTED:
            return Weighted()
        case Strategy.STICKY:
            return Rendezvous(members)
