"""The port for the limits of admission: rates and permits together."""

from typing import Protocol

from modegate.application.ports.rate_limiter import RateLimiter
from modegate.domain.quota import KeyLimits, Limit, Quota


class AdmissionLimiter(RateLimiter, Protocol):
    """Counts and admits requests in one step; exact also under concurrency.

    It is one port, so that a shared store needs one round trip for each request.
    """

    async def acquire(
        self, per_address: Limit, address: str, key: KeyLimits | None = None
    ) -> Quota:
        """Counts a request of the address, and acquires a permit of the key; never waits for one.

        Three steps, of which each fails before the next one begins: the address's rate, the key's
        permits, the key's rate. So a request without a permit does not count for the key's rate,
        and one that the key's rate rejects holds no permit. Returns the quota with fewer requests
        remaining. A cancelled call acquires nothing. The caller releases each permit exactly once.

        Raises:
            RateLimitError: a rate or the permits are exhausted; `quota` is that of the rate.
            StorageError: the store does not answer; no permit is acquired.
        """
        ...

    def release(self, subject: str) -> None:
        """Releases one of the permits of a key. Never waits and never fails.

        A store gets to know it soon; a later `acquire` of the same process sees it already, as it
        sees what a cancelled call gave up.
        """
        ...
