"""The connections along one route."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from modegate.http_client.connections.connection import Connection
from modegate.http_client.errors import ClosedError

# Seconds for which closed connections are awaited when the pool is closed.
CLOSING_S = 5.0


class Pool:
    """Lends connections, at most `limit` at once, in the order of the requests.

    An idle connection is closed after `idle_s` seconds. The one that was used last is used next, so
    that the others can become old.
    """

    def __init__(
        self, connect: Callable[[], Awaitable[Connection]], limit: int, idle_s: float
    ) -> None:
        self._connect = connect
        self._limit = limit
        self._idle_s = idle_s
        self._loop = asyncio.get_running_loop()
        self._lent = 0
        self._idle: deque[Connection] = deque()
        self._open: set[Connection] = set()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._all_lost = asyncio.Event()

    def take_idle(self) -> Connection | None:
        """Lends an idle connection; None if a new one is needed, or all are lent."""
        if self._lent >= self._limit:
            return None
        connection = self._pop_idle()
        if connection is not None:
            self._lent += 1
        return connection

    async def acquire(self, *, new: bool = False) -> Connection:
        """Lends a connection, `new` or idle, or waits until one is released.

        Raises:
            ConnectError: if no connection can be opened.
        """
        await self._acquire_slot()
        try:
            connection = None if new else self._pop_idle()
            return connection or await self._opened()
        except BaseException:
            self._release_slot()
            raise

    def release(self, connection: Connection, reusable: bool) -> None:  # noqa: FBT001 - a callback
        """Takes a connection back; it is closed unless it is `reusable`."""
        if reusable and connection.is_open and not self._is_closed:
            connection.is_reused = True
            connection.idle_since = self._loop.time()
            self._idle.append(connection)
            if self._sweep_timer is None:
                self._sweep_timer = self._loop.call_later(self._idle_s, self._sweep)
        else:
            connection.abort()
        self._release_slot()

    def discard_idle(self) -> None:
        """Closes all idle connections."""
        idle, self._idle = self._idle, deque()
        for connection in idle:
            connection.abort()

    async def aclose(self) -> None:
        """Closes all connections, also those that are lent."""
        self._is_closed = True
        if self._loop is not asyncio.get_running_loop():
            if not self._loop.is_closed():  # otherwise the connections ended with it
                self._loop.call_soon_threadsafe(self._abort_all)
            return
        self._abort_all()
        if self._open:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSING_S):
                    await self._all_lost.wait()

    def _abort_all(self) -> None:
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(ClosedError("the client was closed"))
        for connection in [*self._open]:
            connection.abort()

    async def _acquire_slot(self) -> None:
        if self._is_closed:
            raise ClosedError("the client was closed")
        if self._lent < self._limit:
            self._lent += 1
            return
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._release_slot()  # granted while the waiter was being cancelled
            raise

    def _release_slot(self) -> None:
        """Hands the slot to the first waiter without freeing it in between."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._lent -= 1

    def _pop_idle(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_quiet:
                return connection
            connection.abort()
        return None

    async def _opened(self) -> Connection:
        if self._idle:  # a new one was demanded: not one more than the limit
            self._idle.popleft().abort()
        connection = await self._connect()
        self._open.add(connection)
        self._all_lost.clear()
        connection.on_lost = self._lost
        if self._is_closed or not connection.is_open:
            connection.abort()
            raise ClosedError("the connection was closed")
        return connection

    def _lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if not self._open:
            self._all_lost.set()

    def _sweep(self) -> None:
        """Closes connections that have been idle for too long; the oldest ones are in front."""
        self._sweep_timer = None
        now = self._loop.time()
        while self._idle and self._idle[0].idle_since + self._idle_s <= now:
            self._idle.popleft().abort()
        if self._idle:
            oldest = self._idle[0].idle_since + self._idle_s
            self._sweep_timer = self._loop.call_at(oldest, self._sweep)
