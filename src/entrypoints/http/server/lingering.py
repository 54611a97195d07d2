"""A close that lets the last response arrive.

A connection that is closed while its client still sends is reset by the kernel, and what the client
has not read yet is lost (RFC 9112, 9.6): nginx then answers 502 in place of our 413.
"""

import asyncio
from collections.abc import Callable
from typing import Any

MAX_LINGER_S = 5.0


class LingeringTransport(asyncio.Transport):
    """A transport that closes in two steps while `is_receiving`: first its own side, then the other.

    It counts as closing from the first step on; its protocol discards what still comes.
    """

    def __init__(self, transport: asyncio.Transport, is_receiving: Callable[[], bool]) -> None:
        super().__init__()
        self._transport = transport
        self._is_receiving = is_receiving
        self._timer: asyncio.TimerHandle | None = None

    @property
    def lingers(self) -> bool:
        """Whether the own side is closed, and the client's not yet."""
        return self._timer is not None

    def close(self) -> None:
        """Closes both sides, or only the own one for at most `MAX_LINGER_S` seconds."""
        if self.is_closing() or not self._is_receiving():
            self.stop_lingering()
            self._transport.close()
            return
        self._timer = asyncio.get_running_loop().call_later(MAX_LINGER_S, self._transport.close)
        self._transport.write_eof()
        self._transport.resume_reading()

    def stop_lingering(self) -> None:
        """Cancels the wait for the client's side, which is closed."""
        if self._timer is not None:
            self._timer.cancel()

    def is_closing(self) -> bool:
        """Whether nothing can be written any more."""
        return self.lingers or self._transport.is_closing()

    def abort(self) -> None:
        """Closes at once; what is not written yet is lost."""
        self.stop_lingering()
        self._transport.abort()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Writes to the client, as long as the own side is open."""
        if not self.lingers:
            self._transport.write(data)

    def pause_reading(self) -> None:
        """Reads no more for a while."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Reads again."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Returns what is known of the connection."""
        return self._transport.get_extra_info(name, default)
