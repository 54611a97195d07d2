"""A clock that a test controls."""


class FakeClock:
    """A clock that changes only through `advance`."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now

    def now(self) -> float:
        """Returns the seconds since the Unix epoch."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Advances the clock by `seconds`."""
        self._now += seconds
