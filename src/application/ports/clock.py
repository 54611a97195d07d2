"""The port for the clock."""

from typing import Protocol


class Clock(Protocol):
    """Measures ages, and returns the time of day. The two differ once the machine's clock is set."""

    def now(self) -> float:
        """Returns Unix seconds that never jump, for ages and their limits."""
        ...

    def time_of_day(self) -> float:
        """Returns the Unix seconds of the machine's clock, for clients to read."""
        ...
