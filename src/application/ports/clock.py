"""The port for the clock."""

from typing import Protocol


class Clock(Protocol):
    """Returns the current time."""

    def now(self) -> float:
        """Returns the seconds since the Unix epoch."""
        ...
