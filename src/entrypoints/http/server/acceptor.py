"""Accepts connections in place of the event loop, and pauses after a failure to accept.

uvloop's own listener busy-loops without a free descriptor: once libuv has used its spare one, one
CPU runs at 100 % (measured with uvloop 0.23). An error that libuv does report closes the listener
permanently.
"""

import asyncio
import logging
import socket
from collections.abc import Callable

# The pause of asyncio's own listener.
RETRY_DELAY_S = 1.0
FULL_DELAY_S = 0.1

log = logging.getLogger(__name__)


class Acceptor:
    """Accepts on one listening socket; `close` and `wait_closed` are those of `asyncio.Server`.

    While `is_full` returns True, new connections wait in the kernel's queue.
    """

    def __init__(
        self,
        listener: socket.socket,
        make_protocol: Callable[[], asyncio.Protocol],
        is_full: Callable[[], bool],
    ) -> None:
        self._listener = listener
        self._make_protocol = make_protocol
        self._is_full = is_full
        self._loop = asyncio.get_running_loop()
        self._opening: set[asyncio.Task[object]] = set()
        self._pause: asyncio.TimerHandle | None = None
        self._failing = False
        self._closed = False
        listener.settimeout(0.0)
        self._listen()

    def close(self) -> None:
        """Stops accepting and closes the listening socket; keeps open connections. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()

    async def wait_closed(self) -> None:
        """Waits for accepted connections that have no transport yet."""
        if self._opening:
            await asyncio.wait(self._opening)

    def _listen(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        """Accepts one connection only, so that workers on the same socket get their share."""
        if self._is_full():
            self._retry_in(FULL_DELAY_S)
            return
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            self._report(error)
            self._retry_in(RETRY_DELAY_S)
            return
        self._failing = False
        connection.settimeout(0.0)
        task = self._loop.create_task(self._open(connection))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._make_protocol, connection)
        except Exception:
            log.exception("opening an accepted connection failed")
            connection.close()

    def _report(self, error: OSError) -> None:
        """Logs the first of several consecutive failures."""
        if not self._failing:
            log.error(
                "connections cannot be accepted (%s): trying again every second", error.strerror
            )
        self._failing = True

    def _retry_in(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._pause = self._loop.call_later(seconds, self._listen)
