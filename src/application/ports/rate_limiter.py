"""Who counts requests."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from modegate.domain.quota import Limit, Quota


class RateLimiter(Protocol):
    """Counts requests in sliding windows, exactly, however many come at once."""

    async def hit(self, limit: Limit, subject: str) -> Quota:
        """Count one request of the subject.

        Raises:
            RateLimitError: it is one too many, and is not counted; `retry_after` is the time until
                there is room.
        """
        ...

    async def look(self, limit: Limit, subject: str) -> Quota:
        """What is left, without counting anything."""
        ...


class Permits(Protocol):
    """Counts what is under way."""

    def take(self, subject: str) -> AbstractAsyncContextManager[None]:
        """One of the subject's places, until the context is left.

        Raises:
            RateLimitError: all of them are taken; at once, never after a wait.
        """
        ...
