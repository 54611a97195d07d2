"""Sliding windows in this process."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from modegate.domain.errors import RateLimitError
from modegate.domain.quota import Limit, Quota

Subject = tuple[str, str, float]  # limit, who, seconds: cheap to hash


class SlidingWindows:
    """Counts exactly; a clock that is set back or forth changes nothing.

    A window holds the times of its requests, at most as many as its limit says. Subjects are in the
    order of their last request, so that those whose windows are empty are at the front.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._windows: OrderedDict[Subject, deque[float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    async def hit(self, limit: Limit, subject: str) -> Quota:
        """Count one request of the subject."""
        now = self._monotonic()
        self._drop_empty(now)
        key = (limit.name, subject, limit.seconds)
        window = self._window(key, now)
        if len(window) >= limit.requests:
            raise RateLimitError(
                f"More than {limit.requests} requests in {limit.seconds:g} s: send them more "
                "slowly, and this one again after Retry-After.",
                retry_after=window[0] + limit.seconds - now,
                quota=_quota(limit, window, now),
            )
        window.append(now)
        self._windows[key] = window
        self._windows.move_to_end(key)
        return _quota(limit, window, now)

    async def look(self, limit: Limit, subject: str) -> Quota:
        """What is left."""
        now = self._monotonic()
        return _quota(limit, self._window((limit.name, subject, limit.seconds), now), now)

    def _window(self, subject: Subject, now: float) -> deque[float]:
        window = self._windows.get(subject) or deque[float]()
        while window and window[0] + subject[2] <= now:
            window.popleft()
        return window

    def _drop_empty(self, now: float) -> None:
        while self._windows:
            subject, window = next(iter(self._windows.items()))
            if window and window[-1] + subject[2] > now:
                return
            del self._windows[subject]


def _quota(limit: Limit, window: deque[float], now: float) -> Quota:
    """All of the limit is there again when the last request leaves the window."""
    wait = window[-1] + limit.seconds - now if window else 0.0
    return Quota(limit.requests, limit.requests - len(window), time.time() + wait)
