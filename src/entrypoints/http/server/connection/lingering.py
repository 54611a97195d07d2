"""Closes connections in two steps, so that the client receives the last response.

If a connection is closed while its client still sends, the kernel resets it. The client then loses
what it has not read yet (RFC 9112, 9.6); nginx answers 502 instead of our 413.
"""

import asyncio
from collections.abc import Callable
from typing import Any

MAX_LINGER_S = 5.0


class LingeringTransport(asyncio.Transport):
    """Closes in two steps while `is_receiving` returns True: for writing, then fully.

    `is_closing` is True from the first step on. The protocol discards data that still arrives.
    """

    def __init__(self, transport: asyncio.Transport, is_receiving: Callable[[], bool]) -> None:
        super().__init__()
        self._transport = transport
        self._is_receiving = is_receiving
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def lingers(self) -> bool:
        """Whether the transport is closed for writing and waits for the client to close."""
        return self._timer is not None

    def close(self) -> None:
        """Closes the connection; while receiving, lingers for at most `MAX_LINGER_S`."""
        if self.is_closing() or not self._is_receiving():
            self.stop_lingering()
            self._transport.close()
            return
        self._timer = self._loop.call_later(MAX_LINGER_S, self._transport.close)
        self._transport.write_eof()
        self._transport.resume_reading()

    def stop_lingering(self) -> None:
        """Cancels the timer that closes the connection."""
        if self._timer is not None:
            self._timer.cancel()

    def is_closing(self) -> bool:
        """Whether writing is no longer possible."""
        return self._timer is not None or self._transport.is_closing()

    def abort(self) -> None:
        """Closes immediately and discards buffered data."""
        self.stop_lingering()
        self._transport.abort()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Writes to the client; a no-op while lingering."""
        if self._timer is None:
            self._transport.write(data)

    def pause_reading(self) -> None:
        """Reads no more for a while."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Resumes reading."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Returns a property of the connection, such as its socket."""
        return self._transport.get_extra_info(name, default)
