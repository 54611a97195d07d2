"""Reports that a client has disconnected, as an extension of the ASGI scope.

ASGI reports a disconnect only to a pending `receive`, which takes a task for each request.
"""

from collections.abc import Callable

# Key in the extensions of the ASGI scope.
DISCONNECT_WATCH = "modegate.disconnect_watch"

OnDisconnect = Callable[[], None]


class DisconnectWatch:
    """The watch of one connection, on behalf of the request that is being answered on it."""

    def __init__(self) -> None:
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
