"""Bounds the time that a connection may wait for its next request."""

import asyncio
from collections.abc import Callable


class IdleTimeout:
    """Calls `expired` when a connection has been idle for `seconds`.

    One timer serves all idle times of a connection: it is neither cancelled nor set again by a
    request, and checks when it fires. A timer for each response costs a request 1 % (uvloop 0.22).
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, expired: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._seconds = seconds
        self._expired = expired
        self._timer: asyncio.TimerHandle | None = None
        self._since: float | None = None

    @property
    def is_running(self) -> bool:
        """Whether the connection is idle."""
        return self._since is not None

    def start(self) -> None:
        """Begins an idle time."""
        self._since = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(self._seconds, self._look)

    def stop(self) -> None:
        """Ends the idle time."""
        self._since = None

    def close(self) -> None:
        """Ends the idle time, and cancels the timer."""
        self._since = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._since is None:
            return
        left = self._since + self._seconds - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._expired()
