"""How often a client may ask."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `requests` in any `seconds`; `name` says of what, such as "address"."""

    name: str
    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left of a limit; `reset_at` is when all of it will be there again, in Unix seconds."""

    limit: int
    remaining: int
    reset_at: float

    def tighter(self, other: "Quota | None") -> "Quota":
        """Whichever of the two has less left."""
        return other if other is not None and other.remaining < self.remaining else self
