"""Sends a request."""

import asyncio
from collections.abc import AsyncIterator, Callable

from modegate.http_client.connections.connection import Connection
from modegate.http_client.messages.request import Body, RequestHead

LAST_CHUNK = b"0\r\n\r\n"
# A body up to this size is copied, so that one packet carries the head and the body.
JOINED_BYTES = 64 * 1024


class BodyWriter:
    """Sends the chunks of a body in a task of its own, because the answer may come earlier.

    The body is read only as fast as the upstream takes it. `failed` receives the exception of a
    body that cannot be read.
    """

    def __init__(
        self,
        connection: Connection,
        body: AsyncIterator[bytes],
        failed: Callable[[Exception], None],
    ) -> None:
        self._connection = connection
        self._failed = failed
        self._room = asyncio.Event()
        self._task = asyncio.create_task(self._write(body))
        self.done = False

    def resume(self) -> None:
        """Goes on after the transport's buffer was full."""
        self._room.set()

    def stop(self) -> None:
        """Stops sending."""
        self._task.cancel()

    async def _write(self, body: AsyncIterator[bytes]) -> None:
        try:
            async for piece in body:
                if piece:  # an empty chunk would end the body
                    await self._write_chunk(piece)
            self._connection.write(LAST_CHUNK)
            self.done = True
        except Exception as error:  # noqa: BLE001 - raised to the reader of the answer
            self._failed(error)

    async def _write_chunk(self, piece: bytes) -> None:
        self._connection.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        while not self._connection.can_write:
            self._room.clear()
            await self._room.wait()


def start_sending(
    connection: Connection, head: RequestHead, body: Body, failed: Callable[[Exception], None]
) -> BodyWriter | None:
    """Sends a request; returns the writer of its body if that is a stream."""
    framed = head.framed(body)
    if not isinstance(body, bytes):
        connection.write(framed)
        return BodyWriter(connection, body, failed)
    if len(body) <= JOINED_BYTES:
        connection.write(framed + body)
    else:
        connection.write(framed)
        connection.write(body)
    return None
