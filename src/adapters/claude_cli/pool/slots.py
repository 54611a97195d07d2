"""Places for child processes."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from modegate.domain.errors import CapacityError, ShuttingDownError


class Slots:
    """At most `maximum` at once; who has to wait is served in order, for `timeout` seconds."""

    def __init__(self, maximum: int, timeout: float) -> None:
        self._maximum = maximum
        self._timeout = timeout
        self._active = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._draining = False

    @property
    def active(self) -> int:
        """How many are taken."""
        return self._active

    @property
    def queued(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def drain(self) -> None:
        """Give out no more places; who waits for one gets none."""
        self._draining = True
        while self._waiting:
            _settle(self._waiting.popleft(), ShuttingDownError())

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[None]:
        """Hold one place; whoever is cancelled while waiting leaves the queue.

        Raises:
            CapacityError: no place became free in time.
            ShuttingDownError: there will be none any more.
        """
        if self._draining:
            raise ShuttingDownError
        if self._active < self._maximum and not self._waiting:
            self._active += 1
        else:
            await self._wait()
        try:
            yield
        finally:
            self._release()

    async def _wait(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(self._timeout):
                await turn
        except BaseException as error:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif turn.done() and not turn.cancelled() and turn.exception() is None:
                self._release()  # it came in the moment in which nobody wanted it any more
            if isinstance(error, TimeoutError):
                raise CapacityError(
                    "All of the server's Claude processes are busy: send the request again later.",
                    retry_after=self._timeout,
                ) from None
            raise

    def _release(self) -> None:
        """To who has waited longest; the place itself changes hands, so nobody overtakes."""
        while self._waiting:
            if _settle(self._waiting.popleft()):
                return
        self._active -= 1


def _settle(turn: asyncio.Future[None], error: Exception | None = None) -> bool:
    """Tell who waits; False where it has gone."""
    if turn.done():
        return False
    if error is None:
        turn.set_result(None)
    else:
        turn.set_exception(error)
    return True
