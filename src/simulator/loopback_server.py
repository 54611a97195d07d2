"""A small HTTP server on loopback in which tests control every byte."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from modegate.lazy_dataclass import dataclass

HEAD_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """A request as received; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        """The parsed body; empty if the body is empty or not an object."""
        parsed = json.loads(self.body or b"{}")
        return parsed if isinstance(parsed, dict) else {}


class Reply:
    """Writes one response; `gone` is set when the client disconnects."""

    def __init__(self, writer: asyncio.StreamWriter, gone: asyncio.Event) -> None:
        self._writer = writer
        self.gone = gone

    @property
    def peer(self) -> str:
        """The client's address and port, which identify the connection."""
        return str(self._writer.get_extra_info("peername"))

    async def whole(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        """Sends a complete response with its length; the connection stays open."""
        await self.raw(_head(status, {"content-length": str(len(body)), **(headers or {})}) + body)

    async def begin(self, headers: Mapping[str, str], status: int = 200) -> None:
        """Sends the head of a chunked response."""
        await self.raw(_head(status, {"transfer-encoding": "chunked", **headers}))

    async def chunk(self, data: bytes) -> None:
        """Sends a chunk of the body; empty data is a no-op."""
        if data:
            await self.raw(b"%x\r\n%b\r\n" % (len(data), data))

    async def end(self) -> None:
        """Sends the final chunk of a chunked response."""
        await self.raw(b"0\r\n\r\n")

    async def raw(self, data: bytes) -> None:
        """Sends raw bytes; a no-op if the client has disconnected."""
        if not self.gone.is_set():
            with suppress(ConnectionError):
                self._writer.write(data)
                await self._writer.drain()

    def cut(self) -> None:
        """Closes the connection after the data sent so far, before the end of the response."""
        self._writer.close()

    def abort(self) -> None:
        """Resets the connection; the client may lose data that it has not read."""
        self._writer.transport.abort()

    async def sleep(self, seconds: float) -> None:
        """Sleeps for `seconds`, or until the client disconnects."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.gone.wait()


Handler = Callable[[Request, Reply], Awaitable[None]]


class LoopbackServer:
    """Serves `handler` on a free port while its context is open, and records the requests."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.requests: list[Request] = []
        self.abandoned = 0  # requests whose client disconnected before the end of the response
        self.under_way = 0  # requests in progress
        self.url = ""

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        """Runs the server; the context's value is its URL. With `tls` it serves HTTPS."""
        connections: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._serve(reader, writer, protocols.pop(reader)))
            connections.add(task)
            task.add_done_callback(connections.discard)

        protocols: dict[asyncio.StreamReader, asyncio.Event] = {}

        def accept() -> asyncio.Protocol:
            reader = asyncio.StreamReader(limit=HEAD_LIMIT)
            protocol = _Connection(reader, connected)
            protocols[reader] = protocol.gone
            return protocol

        server = await asyncio.get_running_loop().create_server(accept, "127.0.0.1", 0, ssl=tls)
        scheme = "https" if tls else "http"
        self.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self.url
        finally:
            server.close()
            for task in connections:
                task.cancel()
            await asyncio.gather(*connections, return_exceptions=True)
            await server.wait_closed()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, gone: asyncio.Event
    ) -> None:
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                while not gone.is_set():
                    request = await _read(reader)
                    self.requests.append(request)
                    await self._handle(request, Reply(writer, gone))
        finally:
            writer.close()

    async def _handle(self, request: Request, reply: Reply) -> None:
        self.under_way += 1
        try:
            await self._handler(request, reply)
            self.abandoned += reply.gone.is_set()
        finally:
            self.under_way -= 1


class _Connection(asyncio.StreamReaderProtocol):
    """Detects a disconnect of the client immediately."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        connected: Callable[[asyncio.StreamReader, asyncio.StreamWriter], None],
    ) -> None:
        super().__init__(reader, connected)
        self.gone = asyncio.Event()

    def eof_received(self) -> bool | None:
        """Records that the client sends no more data."""
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """Records that the connection is closed."""
        self.gone.set()
        super().connection_lost(exc)


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
    }
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, path, headers, body)


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Status", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
