"""Places counted in a dictionary."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

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

    @asynccontextmanager
    async def take(self, subject: str) -> AsyncIterator[None]:
        """One of the subject's places."""
        if self._taken[subject] >= self._places:
            raise RateLimitError(
                f"More than {self._places} requests of this key at once: wait for one of them to "
                "be answered."
            )
        self._taken[subject] += 1
        try:
            yield
        finally:
            self._taken[subject] -= 1
            if not self._taken[subject]:
                del self._taken[subject]
