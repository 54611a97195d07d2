"""An upstream for large bodies: it counts uploads and generates downloads, in constant memory."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

PIECE = bytes(range(256)) * 256
HEAD_END = b"\r\n\r\n"


class LargeBodies:
    """Answers `POST` with the size and digest of the body, and `GET` with `size` bytes.

    `received` counts the bytes of all bodies. `complete` counts the requests that came whole.
    """

    def __init__(self, size: int = 0) -> None:
        self._size = size
        self.received = 0
        self.complete = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Runs the server; the context's value is its URL."""
        connections: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._serve(reader, writer))
            connections.add(task)
            task.add_done_callback(connections.discard)

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for task in connections:
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while True:
                    head = (await reader.readuntil(HEAD_END)).decode("latin-1")
                    if head.startswith("POST"):
                        await self._answer_upload(reader, writer, head.lower())
                    else:
                        await self._send_download(writer)
        finally:
            writer.close()

    async def _answer_upload(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str
    ) -> None:
        digest, size = hashlib.sha256(), 0
        async for piece in _pieces_of(reader, head):
            digest.update(piece)
            size += len(piece)
            self.received += len(piece)
        self.complete += 1
        body = json.dumps({"bytes": size, "sha256": digest.hexdigest()}).encode()
        length = f"Content-Length: {len(body)}\r\n"
        head_line = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n{length}\r\n"
        writer.write(head_line.encode() + body)
        await writer.drain()

    async def _send_download(self, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {self._size}"
        writer.write(f"{head}\r\n\r\n".encode())
        for start in range(0, self._size, len(PIECE)):
            writer.write(PIECE[: self._size - start])
            await writer.drain()


async def _pieces_of(reader: asyncio.StreamReader, head: str) -> AsyncIterator[bytes]:
    if "transfer-encoding: chunked" in head:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
        return
    missing = int(head.partition("content-length: ")[2].partition("\r")[0])
    while missing:
        piece = await reader.read(min(missing, len(PIECE)))
        if not piece:
            raise asyncio.IncompleteReadError(b"", missing)
        missing -= len(piece)
        yield piece
