"""Joins the head of a response with the first bytes of its body."""

import asyncio

from modegate.entrypoints.http.server.connection.lingering import LingeringTransport

STATUS_LINE = b"HTTP/1.1 "
INFORMATIONAL = b"1"
HEAD_END = b"\r\n\r\n"


class HeadCoalescingTransport(LingeringTransport):
    """Sends head and body in one packet; uvicorn 0.54 writes them one after the other.

    A head without a body is sent in the next iteration of the event loop.
    """

    _head = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Writes to the client; holds a response's head back until its body, or the next moment."""
        if self._head:
            data = self._take_head() + data
        elif _is_head(data):
            self._head = bytes(data)
            self._sending = asyncio.get_running_loop().call_soon(self._send_head)
            return
        super().write(data)

    def close(self) -> None:
        """Sends a head that is held back, and closes."""
        self._send_head()
        super().close()

    def abort(self) -> None:
        """Drops a head that is held back, and closes immediately."""
        self._take_head()
        super().abort()

    def _send_head(self) -> None:
        if head := self._take_head():
            super().write(head)

    def _take_head(self) -> bytes:
        head, self._head = self._head, b""
        if head:
            self._sending.cancel()
        return head


def _is_head(data: bytes | bytearray | memoryview) -> bool:
    """Returns whether the bytes look like the head of a final response.

    A body that looks like one is sent just as well, one iteration later.
    """
    status = len(STATUS_LINE)
    return (
        data[:status] == STATUS_LINE
        and data[status : status + 1] != INFORMATIONAL
        and data[-len(HEAD_END) :] == HEAD_END
    )
