"""Sliding windows in this process."""

import time

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from modegate.domain.errors import RateLimitError
from modegate.domain.quota import Limit, Quota

SWEEP_EVERY = 1000


class Window(RateLimitItemPerSecond):
    """A limit of the library's, in milliseconds."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit.requests, round(limit.seconds * 1000), limit.name)

    def get_expiry(self) -> float:  # type: ignore[override]  # its storage takes fractions
        """The window's length in seconds."""
        return self.multiples / 1000


class SlidingWindows:
    """Counts exactly, for as long as the process runs.

    The library's storage for event loops would start a thread for every subject at every request
    (measured on 5.8: 60 µs each); the other one never blocks either, for it only counts.
    """

    def __init__(self) -> None:
        self._storage = MemoryStorage()
        self._windows = MovingWindowRateLimiter(self._storage)
        self._since_sweep = 0

    async def hit(self, limit: Limit, subject: str) -> Quota:
        """Count one request of the subject."""
        self._sweep()
        admitted = self._windows.hit(Window(limit), subject)
        quota = await self.look(limit, subject)
        if not admitted:
            raise RateLimitError(
                f"More than {limit.requests} requests in {limit.seconds:g} s: send them more "
                "slowly, and this one again after Retry-After.",
                retry_after=max(0.0, quota.reset_at - time.time()),
                quota=quota,
            )
        return quota

    async def look(self, limit: Limit, subject: str) -> Quota:
        """What is left."""
        stats = self._windows.get_window_stats(Window(limit), subject)
        return Quota(limit.requests, max(0, stats.remaining), stats.reset_time)

    def _sweep(self) -> None:
        """Drop the windows that are empty, which the library keeps for ever (5.8)."""
        self._since_sweep += 1
        if self._since_sweep >= SWEEP_EVERY:
            self._since_sweep = 0
            for key in [key for key, events in self._storage.events.items() if not events]:
                self._storage.events.pop(key, None)
