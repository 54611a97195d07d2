"""The steps of the script of admission."""

import time
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from modegate.adapters.redis.batcher import Entry, Waiting
from modegate.adapters.redis.connection import PREFIX
from modegate.domain.quota import KeyLimits, Limit

# As in memory: up to this limit each request's time is stored, above it in buckets.
MOST_TIMES = 10_000
MILLISECONDS = 1000


def permits_key(subject: str) -> str:
    """Returns the key of the permits in use of a subject."""
    return f"{PREFIX}permits:{subject}"


def window_key(limit: Limit, subject: str) -> str:
    """Returns the key of a window; lists of times and of buckets never share one."""
    kind = "rate" if limit.requests <= MOST_TIMES else "rates"
    return f"{PREFIX}{kind}:{limit.name}:{subject}"


def _of(limit: Limit) -> tuple[int, int]:
    return limit.requests, int(limit.seconds * MILLISECONDS)


class Count(Waiting):
    """Counts a request, or only looks."""

    def __init__(self, limit: Limit, subject: str, *, counts: bool = True) -> None:
        super().__init__()
        self.keys = (window_key(limit, subject),)
        self.arguments = ("c" if counts else "p", *_of(limit))


class Admit(Waiting):
    """Counts a request and acquires a permit. `on_end` gets to know whether it did, or None."""

    def __init__(
        self,
        per_address: Limit,
        address: str,
        key: KeyLimits,
        permit: str,
        on_end: Callable[["Admit", Sequence[int] | None], None],
    ) -> None:
        super().__init__()
        self.subject = key.subject
        self.permit = permit
        self._on_end = on_end
        permits = permits_key(key.subject)
        rate = permits if key.rate is None else window_key(key.rate, key.subject)
        self.keys = (window_key(per_address, address), permits, rate)
        rated = (0, 0) if key.rate is None else _of(key.rate)
        self.arguments = ("a", *_of(per_address), permit, key.permits, *rated)

    def succeed(self, reply: Any) -> None:
        """Notes the permit, then passes the reply to the caller."""
        self._on_end(self, reply)
        super().succeed(reply)

    def fail(self, error: Exception) -> None:
        """Gives the permit up, which the store may have noted."""
        self._on_end(self, None)
        super().fail(error)


class Release(Entry):
    """Releases a permit. A failed one is kept by `on_failure`."""

    is_urgent: ClassVar[bool] = False

    def __init__(self, subject: str, permit: str, on_failure: Callable[["Release"], None]) -> None:
        self.began = time.monotonic()
        self._on_failure = on_failure
        self.keys = (permits_key(subject),)
        self.arguments = ("r", permit)

    def succeed(self, reply: Any) -> None:
        """Does nothing: a permit that is gone already is released."""

    def fail(self, error: Exception) -> None:  # noqa: ARG002 - it is sent again
        """Keeps the entry for the next call."""
        self._on_failure(self)


class Renew(Entry):
    """Renews the leases of a subject's permits; with none, it shows that a gateway lives."""

    is_urgent: ClassVar[bool] = True

    def __init__(self, subject: str, permits: Sequence[str]) -> None:
        self.keys = (permits_key(subject),)
        self.arguments = ("h", len(permits), *permits)

    def succeed(self, reply: Any) -> None:
        """Does nothing."""

    def fail(self, error: Exception) -> None:
        """Does nothing: the next renewal follows."""
