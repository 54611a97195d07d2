"""A clock that a test controls."""

import asyncio


class FakeClock:
    """A clock that changes only through `advance` and `sleep`, which takes no time."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now
        self._jumped = 0.0

    def now(self) -> float:
        """Returns Unix seconds that never jump."""
        return self._now

    def time_of_day(self) -> float:
        """Unix seconds, with all jumps."""
        return self._now + self._jumped

    def advance(self, seconds: float) -> None:
        """Advances the clock by `seconds`."""
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        """Lets other tasks run once, and advances the clock."""
        await asyncio.sleep(0)
        self.advance(seconds)

    def jump(self, seconds: float) -> None:
        """Set the time of day forth, or back; no time passes."""
        self._jumped += seconds
