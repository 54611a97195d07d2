"""The in-memory rate limiter, with sliding windows."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable

from modegate.domain.errors.catalogue import limits
from modegate.domain.quota import Limit, Quota
from modegate.lazy_dataclass import dataclass

Subject = tuple[str, str]  # the limit's name and its subject; cheap to hash
# Up to this limit, each request's time is stored separately. Under a higher limit, requests in the
# same small part of the window share a bucket, and expire with its last request.
MOST_TIMES = 10_000


class SlidingWindowLimiter:
    """Counts requests in sliding windows on the monotonic clock; setting the clock has no effect.

    Subjects are ordered by their last request, so subjects with empty windows come first.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._windows: OrderedDict[Subject, _Window] = OrderedDict()

    def __len__(self) -> int:
        return len(self._windows)

    async def record(self, limit: Limit, subject: str) -> Quota:
        """Counts one request of the subject and returns the remaining quota.

        Raises:
            RateLimitError: if the limit is reached; the request is not counted.
        """
        return self.count(limit, subject)

    def count(self, limit: Limit, subject: str) -> Quota:
        """Counts one request, as `record` does, without a coroutine."""
        now = self._monotonic()
        key = (limit.name, subject)
        window = self._windows.get(key)
        if window is None:  # only then the number of subjects grows
            self._drop_empty(now)
            window = self._windows[key] = _Window(limit)
        window.seconds = limit.seconds  # a reload may have changed it
        window.slide(now)
        if window.taken >= limit.requests:
            wait = window.first + limit.seconds - now
            raise limits.too_many_requests(limit, wait, window.quota(limit, now))
        window.add(now)
        self._windows.move_to_end(key)
        return window.quota(limit, now)

    async def peek(self, limit: Limit, subject: str) -> Quota:
        """Returns the remaining quota without counting a request."""
        now = self._monotonic()
        window = self._window(limit, subject)
        window.seconds = limit.seconds
        window.slide(now)
        return window.quota(limit, now)

    def _window(self, limit: Limit, subject: str) -> "_Window":
        return self._windows.get((limit.name, subject)) or _Window(limit)

    def _drop_empty(self, now: float) -> None:
        windows = self._windows
        while windows:
            subject = next(iter(windows))
            if not windows[subject].empty(now):
                return
            del windows[subject]


@dataclass(slots=True)
class _Bucket:
    """Requests that expire together: `until` is the end of the bucket, `last` its last request."""

    until: float
    last: float
    number: int = 1


class _Window:
    """The times of a subject's requests."""

    def __init__(self, limit: Limit) -> None:
        self.taken = 0
        self.seconds = limit.seconds
        self._part = limit.seconds / MOST_TIMES if limit.requests > MOST_TIMES else 0.0
        self._times: deque[_Bucket] = deque()

    @property
    def first(self) -> float:
        """The time of the requests that expire first."""
        return self._times[0].last

    def empty(self, now: float) -> bool:
        """Returns whether all requests have expired."""
        return not self._times or self._times[-1].last + self.seconds <= now

    def slide(self, now: float) -> None:
        """Removes expired requests."""
        while self._times and self._times[0].last + self.seconds <= now:
            self.taken -= self._times.popleft().number

    def add(self, now: float) -> None:
        """Adds a request at `now`."""
        self.taken += 1
        if self._times and now < (bucket := self._times[-1]).until:
            bucket.last = now
            bucket.number += 1
        else:
            self._times.append(_Bucket(now + self._part, now))

    def quota(self, limit: Limit, now: float) -> Quota:
        """Returns the remaining quota; it resets when the last request expires."""
        wait = self._times[-1].last + self.seconds - now if self._times else 0.0
        return Quota(limit.requests, limit.requests - self.taken, time.time() + wait)
