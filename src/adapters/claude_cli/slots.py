"""Places for child processes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from modegate.domain.errors import CapacityError
from modegate.domain.health import Capacity


class Slots:
    """At most `maximum` at once; who has to wait is served in order, for `timeout` seconds."""

    def __init__(self, maximum: int, timeout: float) -> None:
        self._maximum = maximum
        self._timeout = timeout
        self._free = asyncio.Semaphore(maximum)
        self._active = 0
        self._queued = 0

    @property
    def capacity(self) -> Capacity:
        """The figures of this moment."""
        return Capacity(self._active, self._queued, warm=0, maximum=self._maximum)

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Hold one place; whoever is cancelled while waiting leaves the queue.

        Raises:
            CapacityError: no place became free in time.
        """
        await self._wait()
        self._active += 1
        try:
            yield
        finally:
            self._active -= 1
            self._free.release()

    async def _wait(self) -> None:
        self._queued += 1
        try:
            async with asyncio.timeout(self._timeout):
                await self._free.acquire()
        except TimeoutError:
            raise CapacityError(
                "All of the server's Claude processes are busy: send the request again later.",
                retry_after=self._timeout,
            ) from None
        finally:
            self._queued -= 1
