"""The operating system's clock, and a clock that does not jump when that one is set."""

import asyncio
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from modegate.adapters.system.epoch import boot_id, shared_epoch

FILE = "clock.json"
UPTIME: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def uptime() -> float:
    """Returns seconds of a monotonic clock; on Linux it includes time in suspend."""
    return time.clock_gettime(UPTIME)


class SystemClock:
    """Measures time from an epoch that all gateways with the same state folder share.

    The machine's first gateway sets the epoch from its time of day. Without a usable `state`, the
    first call in this process sets it.
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

    async def sleep(self, seconds: float) -> None:
        """Lets other tasks run meanwhile."""
        await asyncio.sleep(seconds)

    @cached_property
    def _epoch(self) -> float:
        own = self._wall() - self._uptime()
        boot = self._boot()
        if self._state is None or boot is None:
            return own
        return shared_epoch(self._state / FILE, boot, own)
