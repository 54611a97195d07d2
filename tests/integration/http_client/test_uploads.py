"""Request bodies that are streams."""

import asyncio
import socket
import struct
import threading
from collections.abc import AsyncIterator

import pytest
from support.http_client import PATIENCE_S, Peer, ask, begin, connection_of, opened, serving
from support.waiting import until

from modegate.http_client.client import Client
from modegate.http_client.errors import DisconnectedError, InvalidRequestError
from modegate.http_client.messages.request import SizedBody
from modegate.http_client.messages.route import Origin, Route

OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"


async def echo(peer: Peer) -> None:
    """Answers each chunked request with its body."""
    while True:
        await peer.reader.readuntil(b"\r\n\r\n")
        received = []
        while size := int(await peer.reader.readuntil(b"\r\n"), 16):
            received.append((await peer.reader.readexactly(size + 2))[:-2])
        await peer.reader.readexactly(2)
        body = b"".join(received)
        await peer.send(OK % (len(body), body))


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        await asyncio.sleep(0)
        yield piece


@pytest.mark.parametrize(
    "body", [[], [b""], [b"a"], [b"a", b"", b"b"], [bytes(100_000)] * 50], ids=len
)
async def test_a_stream_arrives_as_it_is(body: list[bytes]) -> None:
    async with serving(echo) as server, opened(Client()) as client:
        for _ in range(2):
            assert await ask(client, server.route, pieces(*body)) == (200, b"".join(body))
        assert len(server.peers) == 1


async def test_a_stream_is_read_only_as_fast_as_the_upstream_takes_it() -> None:
    size, read = 32 * 1024 * 1024, 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        while read < size:
            read += 65_536
            yield bytes(65_536)

    async def serve(peer: Peer) -> None:
        await go_on.wait()
        await echo(peer)

    go_on = asyncio.Event()
    async with serving(serve) as server, opened(Client()) as client:
        task = asyncio.create_task(ask(client, server.route, body()))
        await until(lambda: read and not connection_of(client).can_write)
        assert read < size
        go_on.set()
        assert len((await task)[1]) == size


async def test_an_early_answer_ends_a_stream_and_its_connection() -> None:
    stopped = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                await asyncio.sleep(0)
                yield bytes(65_536)
        finally:
            stopped.set()

    async def serve(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(OK % (5, b"early"))
        await peer.gone()

    async with serving(serve) as server, opened(Client()) as client:
        for _ in range(2):
            stopped.clear()
            assert await ask(client, server.route, endless()) == (200, b"early")
            await stopped.wait()
        assert len(server.peers) == 2


async def test_an_early_answer_is_read_before_a_write_that_fails() -> None:
    """The upstream answers and resets the connection while the event loop stands still."""
    over = threading.Event()

    def serve(listener: socket.socket) -> None:
        accepted, _ = listener.accept()
        received = b""
        while not received.endswith(b"1\r\na\r\n"):
            received += accepted.recv(65_536)
        accepted.sendall(OK % (5, b"early"))
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        accepted.close()
        over.set()

    async def body() -> AsyncIterator[bytes]:
        yield b"a"
        over.wait(PATIENCE_S)
        for _ in range(3):  # the first may still be written
            yield bytes(65_536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=[listener], daemon=True)
        thread.start()
        route = Route(Origin("http", "127.0.0.1", listener.getsockname()[1]))
        async with opened(Client()) as client:
            assert await ask(client, route, body()) == (200, b"early")
        thread.join()


async def test_a_stream_that_fails_fails_the_request_and_closes_the_connection() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"a"
        await arrived.wait()
        raise KeyError("broken")

    async def serve(peer: Peer) -> None:
        await peer.reader.readuntil(b"1\r\na\r\n")
        arrived.set()
        await peer.gone()
        gone.append(peer)

    arrived, gone = asyncio.Event(), list[Peer]()
    async with serving(serve) as server, opened(Client(max_connections=1)) as client:
        with pytest.raises(KeyError):
            await ask(client, server.route, broken())
        await until(lambda: gone)


async def test_an_upstream_that_leaves_ends_the_stream() -> None:
    stopped = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                await asyncio.sleep(0)
                yield bytes(65_536)
        finally:
            stopped.set()

    async def serve(peer: Peer) -> None:
        await peer.reader.readexactly(100_000)
        peer.reset()

    async with serving(serve) as server, opened(Client()) as client:
        with pytest.raises(DisconnectedError):
            await ask(client, server.route, endless())
        await stopped.wait()


async def test_a_cancelled_request_stops_its_stream() -> None:
    before = asyncio.all_tasks()

    async def waits() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.Event().wait()

    async with serving(echo) as server, opened(Client()) as client:
        task = asyncio.create_task(begin(client, server.route, waits()))
        await until(lambda: server.peers)
        task.cancel()
        await asyncio.wait({task})
    await until(lambda: asyncio.all_tasks() <= before)


@pytest.mark.parametrize("given", [b"abc", b"abcdefg"], ids=["short", "long"])
async def test_a_sized_stream_of_another_length_fails_and_closes_the_connection(
    given: bytes,
) -> None:
    received: list[bytes] = []

    async def serve(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        received.append(await peer.reader.read(-1))

    async with serving(serve) as server, opened(Client()) as client:
        with pytest.raises(InvalidRequestError, match="another length"):
            await ask(client, server.route, SizedBody(pieces(given[:2], given[2:]), 5))
        await until(lambda: received)
    # No byte behind the declared length, which would be read as another request.
    assert received in ([given[:2]], [given[:3]])


async def test_a_sized_stream_arrives_as_it_is() -> None:
    async def serve(peer: Peer) -> None:
        while True:
            body = (await peer.request()).partition(b"\r\n\r\n")[2]
            await peer.send(OK % (len(body), body))

    async with serving(serve) as server, opened(Client()) as client:
        for _ in range(2):
            assert await ask(client, server.route, SizedBody(pieces(b"ab", b"c"), 3)) == (
                200,
                b"abc",
            )
        assert len(server.peers) == 1


async def test_a_stream_is_not_repeated_on_a_stale_connection() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK % (1, b"a"))
        await peer.request()

    async with serving(serve) as server, opened(Client()) as client:
        assert await ask(client, server.route) == (200, b"a")
        with pytest.raises(DisconnectedError):  # what was read of it is gone
            await ask(client, server.route, pieces(b"x"), method="OPTIONS")
        assert len(server.peers) == 1
