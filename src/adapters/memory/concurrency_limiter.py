"""The in-memory concurrency limiter."""

from collections import Counter
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from modegate.domain.errors.catalogue import limits


class MemoryConcurrencyLimiter:
    """Allows at most `places` concurrent permits for each subject."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._taken: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """The number of permits in use, over all subjects."""
        return self._taken.total()

    def acquire(self, subject: str) -> AbstractAsyncContextManager[None]:
        """Acquires a permit of the subject and releases it when the context is left."""
        return _Place(self, subject)

    def increment(self, subject: str) -> None:
        """Acquires a permit of the subject.

        Raises:
            RateLimitError: if all permits of the subject are in use.
        """
        if self._taken[subject] >= self._places:
            raise limits.too_many_at_once(self._places)
        self._taken[subject] += 1

    def decrement(self, subject: str) -> None:
        """Releases a permit of the subject."""
        self._taken[subject] -= 1
        if not self._taken[subject]:
            del self._taken[subject]


@dataclass(frozen=True, slots=True)
class _Place:
    """The context of one permit. A class, because a generator costs more for each request."""

    permits: MemoryConcurrencyLimiter
    subject: str

    async def __aenter__(self) -> None:
        self.permits.increment(self.subject)

    async def __aexit__(self, *raised: object) -> None:
        self.permits.decrement(self.subject)
