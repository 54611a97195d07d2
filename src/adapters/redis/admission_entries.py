"""The steps of the script of admission."""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from modegate.adapters.redis.batcher import Entry, Waiting
from modegate.adapters.redis.connection import PREFIX
from modegate.domain.quota import KeyLimits, Limit

# As in memory: up to this limit each request's time is stored, above it in buckets.
MOST_TIMES = 10_000
MILLISECONDS = 1000


class Permit(NamedTuple):
    """A permit, the number of permits of its subject, and when it was acquired (monotonic seconds).

    `is_last` means that it was the last one that was free.
    """

    name: str
    limit: int
    since: float
    is_last: bool = False


def permits_key(subject: str) -> str:
    """Returns the key of the permits in use of a subject."""
    return f"{PREFIX}permits:{subject}"


def window_key(limit: Limit, subject: str) -> str:
    """Returns the key of a window; lists of times and of buckets never share one."""
    kind = "rate" if limit.requests <= MOST_TIMES else "buckets"
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
        permit: Permit,
        on_end: Callable[["Admit", Sequence[int] | None], None],
    ) -> None:
        super().__init__()
        self.subject = key.subject
        self.permit = permit
        self.is_held = False
        self._on_end = on_end
        permits = permits_key(key.subject)
        rate = permits if key.rate is None else window_key(key.rate, key.subject)
        self.keys = (window_key(per_address, address), permits, rate)
        rated = (0, 0) if key.rate is None else _of(key.rate)
        self._limits = (*_of(per_address), permit.name, key.permits, *rated)
        self.arguments: Sequence[Any] = ("a", *self._limits)

    def take_over(self, permit: Permit) -> None:
        """Uses a permit that its holder has just released, instead of one more."""
        self.permit = permit
        requests, milliseconds, _, *others = self._limits
        self.arguments = ("t", requests, milliseconds, permit.name, *others)

    def succeed(self, reply: Any) -> None:
        """Notes the permit, then passes the reply to the caller."""
        self._on_end(self, reply)
        super().succeed(reply)

    def fail(self, error: Exception) -> None:
        """Gives the permit up, which the store may have noted."""
        self._on_end(self, None)
        super().fail(error)


class Release(Entry):
    """Releases a permit. A failed one is kept by `on_failure`.

    The last permit is released at once: the client's next request may be at another gateway already.
    """

    def __init__(
        self, subject: str, permit: Permit, on_failure: Callable[["Release"], None]
    ) -> None:
        self.began = time.monotonic()
        self.subject = subject
        self.permit = permit
        self.is_urgent = permit.is_last
        self._on_failure = on_failure
        self.keys = (permits_key(subject),)
        self.arguments = ("r", permit.name)

    def succeed(self, reply: Any) -> None:
        """Does nothing: a permit that is gone already is released."""

    def fail(self, error: Exception) -> None:  # noqa: ARG002 - it is sent again
        """Keeps the entry for the next call."""
        self._on_failure(self)


class Renew(Entry):
    """Renews the leases of a subject's permits; with none, it shows that a gateway lives."""

    def __init__(self, subject: str, permits: Sequence[Permit]) -> None:
        self.keys = (permits_key(subject),)
        self.arguments = ("h", len(permits), *(it.name for it in permits))

    def succeed(self, reply: Any) -> None:
        """Does nothing."""

    def fail(self, error: Exception) -> None:
        """Does nothing: the next renewal follows."""


def handed_over(batch: Sequence[Entry], youngest: float) -> Sequence[Entry]:
    """Returns a batch without the releases whose permits later admissions take over.

    Permits are alike, and the store runs a batch as one step, so the outcome is the same for fewer
    commands. Only permits acquired after `youngest` (monotonic seconds), whose leases are fresh, and
    only where the limit is still the same.
    """
    released: dict[tuple[str, int], list[Release]] = {}
    left_out: set[Entry] = set()
    for entry in batch:
        if isinstance(entry, Release):
            if entry.permit.since > youngest:
                released.setdefault((entry.subject, entry.permit.limit), []).append(entry)
        elif isinstance(entry, Admit) and (
            releases := released.get((entry.subject, entry.permit.limit))
        ):
            release = releases.pop()
            entry.take_over(release.permit)
            left_out.add(release)
    return [it for it in batch if it not in left_out]
