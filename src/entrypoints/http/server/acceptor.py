"""Accepts connections in place of the event loop, and pauses where none can be accepted.

uvloop's own listener is told again and again of a connection that it has no descriptor for: once
libuv has lost its spare descriptor, one CPU spins at 100 % (measured with uvloop 0.23). An error that
libuv does report closes the listener for good.
"""

import asyncio
import logging
import socket
from collections.abc import Callable

# As asyncio waits, whose listener does pause.
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
        """Stop accepting and close the listening socket; open connections stay. Idempotent."""
        if self._closed:
            return
        self._closed = True
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()

    async def wait_closed(self) -> None:
        """Wait for connections that were accepted and have no transport yet."""
        if self._opening:
            await asyncio.wait(self._opening)

    def _listen(self) -> None:
        self._pause = None
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        """Accept one connection: other workers listen on the same socket and get their share."""
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
            log.exception("an accepted connection could not be opened")
            connection.close()

    def _report(self, error: OSError) -> None:
        """Logs the first of several failures."""
        if not self._failing:
            log.error(
                "connections cannot be accepted (%s): trying again every second", error.strerror
            )
        self._failing = True

    def _retry_in(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener.fileno())
        self._pause = self._loop.call_later(seconds, self._listen)
