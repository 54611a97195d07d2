"""The port for rate limits."""

from typing import Protocol

from modegate.domain.quota import Limit, Quota


class RateLimiter(Protocol):
    """Counts requests in sliding windows; exact also under concurrency."""

    async def record(self, limit: Limit, subject: str) -> Quota:
        """Counts one request of the subject and returns the remaining quota.

        Raises:
            RateLimitError: if the limit is reached. The request is not counted; `retry_after` is
                the seconds until one more request is allowed.
        """
        ...

    async def peek(self, limit: Limit, subject: str) -> Quota:
        """Returns the remaining quota without counting a request."""
        ...
