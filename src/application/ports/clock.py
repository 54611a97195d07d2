"""Time, as the use cases see it."""

from typing import Protocol


class Clock(Protocol):
    """Measures ages, and tells the time of day; the two differ once the machine's clock has jumped."""

    def now(self) -> float:
        """Unix seconds that never jump, for ages and their bounds."""
        ...

    def time_of_day(self) -> float:
        """Unix seconds as the machine's clock says them now, for clients to read."""
        ...
