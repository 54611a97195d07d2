"""A small HTTP server on loopback whose every byte a test decides."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

HEAD_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What a client sent; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        """The body, parsed; empty where there is none."""
        parsed = json.loads(self.body or b"{}")
        return parsed if isinstance(parsed, dict) else {}


class Reply:
    """Writes one response; `gone` is set when the client has left."""

    def __init__(self, writer: asyncio.StreamWriter, gone: asyncio.Event) -> None:
        self._writer = writer
        self.gone = gone

    @property
    def peer(self) -> str:
        """Which connection this is: the client's address and port."""
        return str(self._writer.get_extra_info("peername"))

    async def whole(
        self, status: int, body: bytes, headers: Mapping[str, str] | None = None
    ) -> None:
        """A response with its length; the connection stays open."""
        await self.raw(_head(status, {"content-length": str(len(body)), **(headers or {})}) + body)

    async def begin(self, headers: Mapping[str, str], status: int = 200) -> None:
        """The head of a response in chunks."""
        await self.raw(_head(status, {"transfer-encoding": "chunked", **headers}))

    async def chunk(self, data: bytes) -> None:
        """A piece of the body."""
        if data:
            await self.raw(b"%x\r\n%b\r\n" % (len(data), data))

    async def end(self) -> None:
        """The regular end of a body in chunks."""
        await self.raw(b"0\r\n\r\n")

    async def raw(self, data: bytes) -> None:
        """Any bytes."""
        if not self.gone.is_set():
            with suppress(ConnectionError):
                self._writer.write(data)
                await self._writer.drain()

    def cut(self) -> None:
        """Close the connection behind what was sent, though more was promised."""
        self._writer.close()

    def abort(self) -> None:
        """Reset the connection; the client may lose what it has not read yet."""
        self._writer.transport.abort()

    async def sleep(self, seconds: float) -> None:
        """Do nothing, but no longer than the client is there."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.gone.wait()


Handler = Callable[[Request, Reply], Awaitable[None]]


class LoopbackServer:
    """Serves `handler` on a free port while its context is open; remembers what it was asked."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.requests: list[Request] = []
        self.abandoned = 0  # requests whose client left before the response's end
        self.under_way = 0  # requests that are being answered
        self.url = ""

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
        """The server's address, such as `http://127.0.0.1:40123`; it speaks `tls` where given."""
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
    """Knows at once when the other end is gone."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        connected: Callable[[asyncio.StreamReader, asyncio.StreamWriter], None],
    ) -> None:
        super().__init__(reader, connected)
        self.gone = asyncio.Event()

    def eof_received(self) -> bool | None:
        """The other end sends no more."""
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is no more."""
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
