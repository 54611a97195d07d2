"""The in-memory concurrency limiter."""

from collections import Counter

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

    async def acquire(self, subject: str) -> None:
        """Acquires a permit of the subject.

        Raises:
            RateLimitError: if all permits of the subject are in use.
        """
        if self._taken[subject] >= self._places:
            raise limits.too_many_at_once(self._places)
        self._taken[subject] += 1

    async def release(self, subject: str) -> None:
        """Releases a permit of the subject."""
        self._taken[subject] -= 1
        if not self._taken[subject]:
            del self._taken[subject]
