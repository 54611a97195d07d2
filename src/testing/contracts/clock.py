"""The duties of a `Clock`."""

from abc import ABC, abstractmethod

from modegate.application.ports.clock import Clock

READINGS = 1000


class ClockContract(ABC):
    """Give `clock`."""

    @abstractmethod
    def clock(self) -> Clock:
        """A clock."""

    def test_time_is_seconds_and_never_decreases(self) -> None:
        clock = self.clock()
        readings = [clock.now() for _ in range(READINGS)]
        assert all(isinstance(reading, float) for reading in readings)
        assert readings == sorted(readings)
