"""The port for concurrency limits."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class ConcurrencyLimiter(Protocol):
    """Limits the concurrent requests of each subject."""

    def acquire(self, subject: str) -> AbstractAsyncContextManager[None]:
        """Acquires one of the subject's permits until the context is left; never waits.

        Raises:
            RateLimitError: if all permits are in use.
        """
        ...
