"""The port for concurrency limits."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class ConcurrencyLimiter(Protocol):
    """Bounds the requests of each subject that run at once."""

    def acquire(self, subject: str) -> AbstractAsyncContextManager[None]:
        """Acquires one of the subject's permits until the context is left; never waits.

        Raises:
            RateLimitError: all of them are in use.
        """
        ...
