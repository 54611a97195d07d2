"""Rate limits and the remaining quota under them."""

from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `requests` in any window of `seconds`; `name` is the scope, such as "address"."""

    name: str
    requests: int
    seconds: float


@dataclass(slots=True)  # not frozen: created for each request
class KeyLimits:
    """The limits of one key: its subject, how many requests at once, and its rate, if it has one."""

    subject: str
    permits: int
    rate: Limit | None = None


@dataclass(slots=True)  # not frozen: created for each request
class Quota:
    """The remaining part of a limit; at `reset_at` (Unix seconds) the full limit is available."""

    limit: int
    remaining: int
    reset_at: float

    def stricter_of(self, other: "Quota | None") -> "Quota":
        """Returns the quota with fewer requests remaining."""
        return other if other is not None and other.remaining < self.remaining else self
