"""The port for the clock."""

from typing import Protocol


class Clock(Protocol):
    """Provides a clock for ages and the time of day, which differ after the clock was set."""

    def now(self) -> float:
        """Returns Unix seconds that never jump, to measure ages."""
        ...

    def time_of_day(self) -> float:
        """Returns Unix seconds of the machine's clock, to show to clients."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Lets other tasks run until so many seconds have passed."""
        ...
