"""The port for concurrency limits."""

from typing import Protocol


class ConcurrencyLimiter(Protocol):
    """Limits the concurrent requests of each subject."""

    async def acquire(self, subject: str, limit: int) -> None:
        """Acquires a permit if the subject has fewer than `limit`; never waits for another request.

        A cancelled call acquires nothing. The caller releases every acquired permit exactly once.

        Raises:
            RateLimitError: if `limit` or more permits are in use.
        """
        ...

    async def release(self, subject: str) -> None:
        """Releases one of the subject's permits."""
        ...
