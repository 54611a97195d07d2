"""Places counted in a dictionary."""

from collections import Counter
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from modegate.domain.errors import RateLimitError


class MemoryPermits:
    """At most so many places for each subject."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """How many there are of all subjects."""
        return self._taken.total()

    def take(self, subject: str) -> AbstractAsyncContextManager[None]:
        """One of the subject's places."""
        return _Place(self, subject)

    def occupy(self, subject: str) -> None:
        """One more of the subject's places is taken.

        Raises:
            RateLimitError: all of them are.
        """
        if self._taken[subject] >= self._places:
            raise RateLimitError(
                f"More than {self._places} requests of this key at once: wait for one of them to "
                "be answered."
            )
        self._taken[subject] += 1

    def vacate(self, subject: str) -> None:
        """One of them is free again."""
        self._taken[subject] -= 1
        if not self._taken[subject]:
            del self._taken[subject]


@dataclass(frozen=True, slots=True)
class _Place:
    """A class and no generator, which costs a request more."""

    permits: MemoryPermits
    subject: str

    async def __aenter__(self) -> None:
        self.permits.occupy(self.subject)

    async def __aexit__(self, *raised: object) -> None:
        self.permits.vacate(self.subject)
