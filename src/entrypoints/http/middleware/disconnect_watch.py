"""Reports that a client has disconnected, as an extension of the ASGI scope.

ASGI reports a disconnect only to a pending `receive`, which takes a task for each request.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

# Key in the extensions of the ASGI scope.
DISCONNECT_WATCH = "modegate.disconnect_watch"

# Most responses are complete by then, which saves the cost of a task for each.
WATCH_DELAY_S = 0.05

OnDisconnect = Callable[[], None]


class DisconnectWatch:
    """The watch of one connection, on behalf of the request that is being answered on it.

    `loop` is the connection's event loop, None if it is not known.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self.loop = loop
        self._on_disconnect: OnDisconnect | None = None
        self._is_lost = False

    def start(self, on_disconnect: OnDisconnect) -> None:
        """Calls `on_disconnect` when the connection is lost; immediately if it is lost already."""
        if self._is_lost:
            on_disconnect()
        else:
            self._on_disconnect = on_disconnect

    def stop(self, on_disconnect: OnDisconnect) -> None:
        """Ends the watch, unless another request has started its own in the meantime."""
        if self._on_disconnect == on_disconnect:
            self._on_disconnect = None

    def report(self) -> None:
        """Reports that the connection is lost."""
        self._is_lost = True
        on_disconnect, self._on_disconnect = self._on_disconnect, None
        if on_disconnect is not None:
            on_disconnect()


class ReceivingWatch:
    """The watch of one request on a server without the extension: a task that awaits `receive`."""

    loop: asyncio.AbstractEventLoop | None = None

    def __init__(self, receive: Callable[[], Awaitable[Mapping[str, Any]]]) -> None:
        self._receive = receive
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self, on_disconnect: OnDisconnect) -> None:
        """Calls `on_disconnect` when the client has disconnected."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(WATCH_DELAY_S, self._begin, on_disconnect)

    def stop(self, _: OnDisconnect) -> None:
        """Ends the watch."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _begin(self, on_disconnect: OnDisconnect) -> None:
        self._task = asyncio.create_task(self._wait(on_disconnect))

    async def _wait(self, on_disconnect: OnDisconnect) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        on_disconnect()
