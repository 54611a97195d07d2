"""Sends a request."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from modegate.http_client.connections.connection import Connection
from modegate.http_client.errors import InvalidRequestError
from modegate.http_client.messages.request import Body, RequestHead, SizedBody

StreamedBody = AsyncIterator[bytes] | SizedBody

LAST_CHUNK = b"0\r\n\r\n"
# A body up to this size is copied, so that one packet carries the head and the body.
JOINED_BYTES = 64 * 1024


class BodyWriter:
    """Sends a body piece by piece in a task of its own, because the answer may come earlier.

    The body is read only as fast as the upstream takes it. `failed` receives the exception of a
    body that cannot be read.
    """

    def __init__(
        self, connection: Connection, body: StreamedBody, failed: Callable[[Exception], None]
    ) -> None:
        self._connection = connection
        self._failed = failed
        self._room = asyncio.Event()
        self._task = asyncio.create_task(self._report(body))
        self.done = False

    def resume(self) -> None:
        """Goes on after the transport's buffer was full."""
        self._room.set()

    def stop(self) -> None:
        """Stops sending."""
        self._task.cancel()

    async def _report(self, body: StreamedBody) -> None:
        pieces = body.pieces if isinstance(body, SizedBody) else body
        try:
            if isinstance(body, SizedBody):
                await self._write_sized(body)
            else:
                await self._write(body)
            self.done = True
        except Exception as error:  # noqa: BLE001 - raised to the reader of the answer
            self._failed(error)
        finally:
            if isinstance(pieces, AsyncGenerator):  # else only the garbage collector would end it
                await pieces.aclose()

    async def _write(self, body: AsyncIterator[bytes]) -> None:
        async for piece in body:
            if piece:  # an empty chunk would end the body
                await self._write_piece(b"%x\r\n%b\r\n" % (len(piece), piece))
        self._connection.write(LAST_CHUNK)

    async def _write_sized(self, body: SizedBody) -> None:
        missing = body.length
        async for piece in body.pieces:
            missing -= len(piece)
            if missing < 0:
                break
            await self._write_piece(piece)
        if missing:  # the rest would be read as another request, or never come
            raise InvalidRequestError("the body has another length than declared")

    async def _write_piece(self, data: bytes) -> None:
        if self._connection.has_input:
            # An early answer is read first: after a failed write it could not be read any more.
            await asyncio.sleep(0)  # asyncio's loop polls the socket, but goes on here first
            await asyncio.sleep(0)
        self._connection.write(data)
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
