"""The HTTP client against a server that sends exactly the bytes that a test says."""

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from modegate.http_client.client import Client
from modegate.http_client.connections.connection import Connection
from modegate.http_client.connections.exchange import Exchange
from modegate.http_client.messages.deadlines import Deadlines
from modegate.http_client.messages.request import Body, encode_head
from modegate.http_client.messages.route import Origin, Route

LOOPS = [("asyncio", {"use_uvloop": False}), ("asyncio", {"use_uvloop": True})]
LOOP_NAMES = ["asyncio", "uvloop"]
# Seconds; ends a test that fails.
PATIENCE_S = 60.0


@dataclass
class Peer:
    """The server's end of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int

    async def request(self) -> bytes:
        """Returns the next request, head and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return head + await self.reader.readexactly(int(line[15:]))
        return head

    async def send(self, data: bytes) -> None:
        """Sends `data`, and lets the client read it."""
        self.writer.write(data)
        await self.writer.drain()
        await asyncio.sleep(0)

    def reset(self) -> None:
        """Closes the connection with a reset."""
        at_once = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, at_once
        )
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Waits until the client closes the connection."""
        try:
            while await self.reader.read(65_536):
                pass
        except ConnectionError:
            pass


Serve = Callable[[Peer], Awaitable[None]]


@dataclass
class Server:
    """A server on loopback; `peers` are all connections that were opened to it."""

    serve: Serve
    scheme: str = "http"
    host: str = "127.0.0.1"
    port: int = 0
    peers: list[Peer] = field(default_factory=list)

    @property
    def route(self) -> Route:
        """The route to the server."""
        return Route(Origin(self.scheme, self.host, self.port))

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one connection."""
        peer = Peer(reader, writer, len(self.peers))
        self.peers.append(peer)
        try:
            await self.serve(peer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()


@asynccontextmanager
async def serving(
    serve: Serve,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    patience_s: float = PATIENCE_S,
) -> AsyncIterator[Server]:
    """Runs a server that calls `serve` for each connection, for at most `patience_s` seconds."""
    server = Server(serve, "https" if tls else "http", host)
    tasks: set[asyncio.Task[None]] = set()

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(server.connected(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(connected, host, 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    async with asyncio.timeout(patience_s):
        try:
            yield server
        finally:
            listener.close()
            for task in [*tasks]:
                task.cancel()
            await asyncio.gather(*tasks)
            await listener.wait_closed()


@asynccontextmanager
async def opened(client: Client) -> AsyncIterator[Client]:
    """Closes the client afterwards."""
    try:
        yield client
    finally:
        await client.aclose()


def connection_of(client: Client) -> Connection:
    """Returns the client's only open connection."""
    (pool,) = client._pools.values()  # noqa: SLF001
    (connection,) = pool._open  # noqa: SLF001
    return connection


async def begin(
    client: Client,
    route: Route,
    body: Body = b"",
    *,
    method: str = "POST",
    path: str = "/",
    deadlines: Deadlines | None = None,
) -> Exchange:
    """Sends a request, and returns the exchange whose head has arrived."""
    return await client.send(encode_head(method, route, path, []), body, deadlines or Deadlines())


async def ask(
    client: Client,
    route: Route,
    body: Body = b"",
    *,
    method: str = "POST",
    path: str = "/",
    deadlines: Deadlines | None = None,
) -> tuple[int, bytes]:
    """Sends a request, and returns the status and the whole body of the answer."""
    exchange = await begin(client, route, body, method=method, path=path, deadlines=deadlines)
    try:
        pieces = []
        while piece := await exchange.read():
            pieces.append(piece)
        return exchange.status, b"".join(pieces)
    finally:
        exchange.close()
