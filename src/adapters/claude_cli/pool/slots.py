"""Slots: a bounded number of processes at once, granted in FIFO order."""

import asyncio
from collections import deque

from modegate.domain.errors.catalogue import limits


class Slots:
    """Grants at most `maximum` slots at once; requests wait in FIFO order for `timeout` seconds."""

    def __init__(self, maximum: int, timeout: float) -> None:
        self._maximum = maximum
        self._timeout = timeout
        self._active = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._draining = False

    @property
    def active(self) -> int:
        """The number of slots in use."""
        return self._active

    @property
    def queued(self) -> int:
        """The number of requests that wait for a slot."""
        return len(self._waiting)

    def drain(self) -> None:
        """Grants no more slots, and fails the requests that wait."""
        self._draining = True
        while self._waiting:
            _settle(self._waiting.popleft(), limits.shutting_down())

    def resize(self, maximum: int, timeout: float) -> None:
        """Changes the number of slots, and the wait of later requests.

        Slots beyond a smaller number end with their turns.
        """
        self._maximum, self._timeout = maximum, timeout
        while self._waiting and self._active < maximum:
            if _settle(self._waiting.popleft()):
                self._active += 1

    async def acquire(self) -> None:
        """Acquires a slot, which the caller must release.

        Cancellation while waiting removes the request from the queue.

        Raises:
            CapacityError: no slot became free in time.
            ShuttingDownError: the gateway is draining.
        """
        if self._draining:
            raise limits.shutting_down()
        if self._active < self._maximum and not self._waiting:
            self._active += 1
        else:
            await self._wait()

    def release(self) -> None:
        """Releases a slot: hands it to the first waiter (FIFO) without freeing it in between."""
        while self._waiting and self._active <= self._maximum:
            if _settle(self._waiting.popleft()):
                return
        self._active -= 1

    async def _wait(self) -> None:
        turn = asyncio.get_running_loop().create_future()
        timeout = self._timeout
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(timeout):
                await turn
        except BaseException as error:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif turn.done() and not turn.cancelled() and turn.exception() is None:
                self.release()  # granted while the waiter was being cancelled: release it again
            if isinstance(error, TimeoutError):
                raise limits.no_slot(timeout) from None
            raise


def _settle(turn: asyncio.Future[None], error: Exception | None = None) -> bool:
    """Wakes a waiter; returns False if it was cancelled."""
    if turn.done():
        return False
    if error is None:
        turn.set_result(None)
    else:
        turn.set_exception(error)
    return True
