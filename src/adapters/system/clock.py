"""The clock of the operating system, without its jumps."""

import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from modegate.adapters.system.epoch import boot_id, shared_epoch

FILE = "clock.json"


def uptime() -> float:
    """Seconds that no setting of the clock changes; on Linux those of a suspended machine count."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class SystemClock:
    """Returns times that start at the time of day of the machine's first gateway with this state.

    Without a usable `state`, the epoch is that of the first call in this process.
    """

    def __init__(
        self,
        state: Path | None = None,
        *,
        wall: Callable[[], float] = lambda: time.time(),  # noqa: PLW0108 - looked up at each call
        uptime: Callable[[], float] = uptime,
        boot: Callable[[], str | None] = boot_id,
    ) -> None:
        self._state = state
        self._wall = wall
        self._uptime = uptime
        self._boot = boot

    def now(self) -> float:
        """Returns Unix seconds for ages and their limits; setting the clock does not change them."""
        return self._epoch + self._uptime()

    def time_of_day(self) -> float:
        """Returns the Unix seconds of the machine's clock, for clients to read."""
        return self._wall()

    @cached_property
    def _epoch(self) -> float:
        own = self._wall() - self._uptime()
        boot = self._boot()
        if self._state is None or boot is None:
            return own
        return shared_epoch(self._state / FILE, boot, own)
