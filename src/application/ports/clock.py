"""Time, as the use cases see it."""

from typing import Protocol


class Clock(Protocol):
    """Tells the time of day."""

    def now(self) -> float:
        """Seconds since the Unix epoch."""
        ...
