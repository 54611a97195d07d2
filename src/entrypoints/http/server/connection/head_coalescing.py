"""Joins the head of a response with the common headers and the first bytes of its body."""

from modegate.entrypoints.http.server.connection.lingering import LingeringTransport

LINE_END = b"\r\n"
HEAD_END = b"\r\n\r\n"


class HeadCoalescingTransport(LingeringTransport):
    """Sends head and body in one packet; uvicorn 0.54 writes them one after the other.

    A head without a body is sent in the next iteration of the event loop. A head to which no lines
    were added, such as that of an interim response, is written at once.
    """

    _lines = b""
    _head: tuple[bytes, ...] = ()

    def add_lines(self, lines: bytes) -> None:
        """Adds header lines, each with its end, to the head that is written next."""
        self._lines = lines

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Writes to the client; holds a response's head back until its body, or the next moment."""
        if self._head:
            data = b"".join((*self._take_head(), data))
        elif self._lines and data[-len(HEAD_END) :] == HEAD_END:
            self._head = bytes(data[: -len(LINE_END)]), self._lines, LINE_END
            self._lines = b""
            self._sending = self._loop.call_soon(self._send_head)
            return
        if self._timer is None:  # as the superclass does, without a call for each piece
            self._transport.write(data)

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
            super().write(b"".join(head))

    def _take_head(self) -> tuple[bytes, ...]:
        head, self._head = self._head, ()
        if head:
            self._sending.cancel()
        return head
