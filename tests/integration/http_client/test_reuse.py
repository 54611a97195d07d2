"""Which connections carry another request, and that no request gets another one's answer."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from support.http_client import Peer, ask, begin, opened, serving
from support.waiting import until

from modegate.http_client.client import Client
from modegate.http_client.errors import ClosedError, DisconnectedError, InvalidResponseError
from modegate.http_client.messages.route import Origin, Route

MEGABYTE = bytes(1024 * 1024)


def answer(body: bytes, *headers: bytes) -> bytes:
    lines = b"".join(b"%b\r\n" % header for header in headers)
    return b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (lines, len(body), body)


def path_of(request: bytes) -> bytes:
    return request.split(b" ", 2)[1]


async def echo(peer: Peer) -> None:
    """Answers each request with its path, which tells the answers apart."""
    while True:
        await peer.send(answer(path_of(await peer.request())))


async def test_a_connection_is_used_again() -> None:
    async with serving(echo) as server, opened(Client()) as client:
        for number in range(5):
            path = f"/{number}"
            assert await ask(client, server.route, path=path) == (200, path.encode())
    assert len(server.peers) == 1


@pytest.mark.parametrize("header", [b"Connection: close", b"Connection: Close, x"])
async def test_a_connection_that_is_announced_to_close_is_not_used_again(header: bytes) -> None:
    async def serve(peer: Peer) -> None:
        while True:  # though it stays open
            await peer.send(answer(path_of(await peer.request()), header))

    async with serving(serve) as server, opened(Client()) as client:
        for path in ("/a", "/b"):
            assert await ask(client, server.route, path=path) == (200, path.encode())
    assert len(server.peers) == 2


@pytest.mark.parametrize("late", [answer(b"stolen"), b"H", b"!"])
async def test_bytes_in_one_read_behind_an_answer_reach_no_other_request(late: bytes) -> None:
    async def serve(peer: Peer) -> None:
        while True:
            await peer.send(answer(path_of(await peer.request())) + late)

    async with serving(serve) as server, opened(Client()) as client:
        for path in ("/a", "/b"):
            assert await ask(client, server.route, path=path) == (200, path.encode())
    assert len(server.peers) == 2


async def test_late_bytes_close_an_idle_connection() -> None:
    async def serve(peer: Peer) -> None:
        await peer.send(answer(path_of(await peer.request())))
        if peer is server.peers[0]:
            await late.wait()
            await peer.send(answer(b"stolen"))
            await peer.gone()
            closed.set()
        else:
            await echo(peer)

    late, closed = asyncio.Event(), asyncio.Event()
    async with serving(serve) as server, opened(Client(idle_s=600.0)) as client:
        assert await ask(client, server.route, path="/a") == (200, b"/a")
        late.set()
        await closed.wait()
        for path in ("/b", "/c"):
            assert await ask(client, server.route, path=path) == (200, path.encode())
    assert len(server.peers) == 2


class ThreadServer:
    """Answers one request on each of two connections, in a thread of its own.

    `after_the_first` then sends data on the first connection, or closes it, while the event loop
    stands still.
    """

    def __init__(self, listener: socket.socket) -> None:
        self.route = Route(Origin("http", "127.0.0.1", listener.getsockname()[1]))
        self._listener = listener
        self._accepted: list[socket.socket] = []

    def serve(self) -> None:
        for body in (b"one", b"two"):
            accepted, _ = self._listener.accept()
            self._accepted.append(accepted)
            accepted.recv(65_536)
            accepted.sendall(answer(body))

    def after_the_first(self, data: bytes | None) -> None:
        if data is None:
            self._accepted[0].shutdown(socket.SHUT_RDWR)
        else:
            self._accepted[0].sendall(data)
        time.sleep(0.05)  # the kernel delivers it

    def close(self) -> None:
        for accepted in self._accepted:
            accepted.close()


@pytest.fixture
def thread_server() -> Iterator[ThreadServer]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = ThreadServer(listener)
        thread = threading.Thread(target=server.serve)
        thread.start()
        yield server
        thread.join()
        server.close()


@pytest.mark.parametrize(
    "data", [answer(b"stolen"), b"!", None], ids=["an answer", "a byte", "the end"]
)
async def test_what_waits_in_the_socket_is_noticed_before_a_request_is_written(
    data: bytes | None, thread_server: ThreadServer
) -> None:
    async with opened(Client()) as client:
        assert await ask(client, thread_server.route) == (200, b"one")
        thread_server.after_the_first(data)
        assert await ask(client, thread_server.route) == (200, b"two")


async def test_an_early_answer_ends_the_request_and_its_connection() -> None:
    async def serve(peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        await peer.send(answer(path_of(head)))
        await peer.gone()

    async with serving(serve) as server, opened(Client()) as client:
        for path in ("/a", "/b"):
            answered = await ask(client, server.route, MEGABYTE * 8, path=path)
            assert answered == (200, path.encode())
    assert len(server.peers) == 2


async def test_an_answer_that_is_not_read_to_its_end_closes_the_connection() -> None:
    async with serving(echo) as server, opened(Client()) as client:
        exchange = await begin(client, server.route, path="/a")
        exchange.close()  # complete, so it can be used again
        assert await ask(client, server.route, path="/b") == (200, b"/b")

    async def serve(peer: Peer) -> None:
        while True:
            request = await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n" + path_of(request))

    async with serving(serve) as server, opened(Client()) as client:
        for path in ("/a", "/b"):
            exchange = await begin(client, server.route, path=path)
            assert await exchange.read() == path.encode()
            exchange.close()
        await until(lambda: len(server.peers) == 2)


async def test_a_closed_exchange_reads_nothing_of_the_next_answer() -> None:
    async with serving(echo) as server, opened(Client()) as client:
        earlier = await begin(client, server.route, path="/earlier")
        earlier.close()
        later = await begin(client, server.route, path="/later")
        with pytest.raises(ClosedError):
            await earlier.read()
        with pytest.raises(ClosedError):
            earlier.take_whole()
        assert not earlier.ended
        assert (b"Content-Length", b"8") in earlier.headers
        assert await later.read() == b"/later"
        later.close()
    assert len(server.peers) == 1


async def close(peer: Peer) -> None:
    peer.writer.close()


async def half_close(peer: Peer) -> None:
    peer.writer.write_eof()


async def reset(peer: Peer) -> None:
    peer.reset()


ENDINGS = pytest.mark.parametrize("ending", [close, half_close, reset])


class Ends:
    """Ends its first connection after the first answer and a further request, then only echoes."""

    def __init__(self, ending: object, *, reads: bool) -> None:
        self.ending = ending
        self.reads = reads
        self.paths: list[bytes] = []
        self.connections = 0

    async def __call__(self, peer: Peer) -> None:
        self.connections += 1
        if self.connections > 1:
            await echo(peer)
        await peer.send(answer(path_of(await peer.request())))
        if self.reads:
            self.paths.append(path_of(await peer.request()))
        else:
            await peer.reader.read(1)
        await self.ending(peer)  # type: ignore[operator]
        await peer.gone()


@ENDINGS
async def test_a_connection_that_ends_while_it_is_idle_is_not_used(ending: object) -> None:
    async def serve(peer: Peer) -> None:
        await peer.send(answer(path_of(await peer.request())))
        if peer is server.peers[0]:
            await ending(peer)  # type: ignore[operator]
            await peer.gone()
            ended.set()
        else:
            await echo(peer)

    ended = asyncio.Event()
    async with serving(serve) as server, opened(Client()) as client:
        assert await ask(client, server.route, path="/a") == (200, b"/a")
        await ended.wait()
        for path in ("/b", "/c"):
            assert await ask(client, server.route, path=path) == (200, path.encode())
    assert len(server.peers) == 2


@ENDINGS
@pytest.mark.parametrize("body", [b"x", MEGABYTE * 8], ids=["after the write", "during the write"])
async def test_a_request_that_may_have_been_executed_is_not_repeated(
    body: bytes, ending: object
) -> None:
    serve = Ends(ending, reads=len(body) == 1)
    async with serving(serve) as server, opened(Client()) as client:
        assert await ask(client, server.route, path="/a") == (200, b"/a")
        with pytest.raises(DisconnectedError):
            await ask(client, server.route, body, path="/b")
        assert serve.connections == 1
        assert await ask(client, server.route, path="/c") == (200, b"/c")


async def test_an_upstream_that_finishes_without_reading_ends_the_request_at_once() -> None:
    async def serve(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        peer.writer.write_eof()
        await over.wait()

    over = asyncio.Event()
    async with serving(serve) as server, opened(Client()) as client:
        with pytest.raises(DisconnectedError):
            await ask(client, server.route, MEGABYTE * 32)
        await until(lambda: client._pools[server.route]._open == set())  # noqa: SLF001
        over.set()


@ENDINGS
async def test_an_idempotent_request_on_a_stale_connection_is_repeated_once(
    ending: object,
) -> None:
    serve = Ends(ending, reads=True)
    async with serving(serve) as server, opened(Client()) as client:
        assert await ask(client, server.route, path="/a") == (200, b"/a")
        assert await ask(client, server.route, method="GET", path="/b") == (200, b"/b")
        assert serve.paths == [b"/b"]
        assert serve.connections == 2


@pytest.mark.parametrize("begun", [b"HTTP/1.1 2", b"HTTP/1.1 100 Continue\r\n\r\n", b"\r\n"])
async def test_nothing_is_repeated_once_an_answer_has_begun(begun: bytes) -> None:
    async def serve(peer: Peer) -> None:
        await peer.send(answer(path_of(await peer.request())))
        await peer.request()
        await peer.send(begun)

    async with serving(serve) as server, opened(Client()) as client:
        assert await ask(client, server.route, method="GET", path="/a") == (200, b"/a")
        with pytest.raises(InvalidResponseError):
            await ask(client, server.route, method="GET", path="/b")
    assert len(server.peers) == 1


async def test_a_request_on_a_new_connection_is_not_repeated() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()

    async with serving(serve) as server, opened(Client()) as client:
        with pytest.raises(DisconnectedError):
            await ask(client, server.route, method="GET")
    assert len(server.peers) == 1


async def test_idle_connections_are_closed_in_time() -> None:
    async def serve(peer: Peer) -> None:
        await peer.send(answer(path_of(await peer.request())))
        await peer.gone()
        gone.append(peer)

    gone: list[Peer] = []
    async with serving(serve) as server, opened(Client(idle_s=0.05)) as client:
        exchanges = [await begin(client, server.route) for _ in range(3)]
        for exchange in exchanges:
            exchange.close()
        await until(lambda: len(gone) == 3)
        assert await ask(client, server.route, path="/a") == (200, b"/a")
        assert len(server.peers) == 4


async def test_connections_that_become_idle_one_after_another_are_all_closed_in_time() -> None:
    async def serve(peer: Peer) -> None:
        await peer.send(answer(path_of(await peer.request())))
        await peer.gone()
        gone.append(peer)

    gone: list[Peer] = []
    async with serving(serve) as server, opened(Client(idle_s=0.05)) as client:
        one, two = [await begin(client, server.route) for _ in range(2)]
        one.close()
        await asyncio.sleep(0.01)
        two.close()
        await until(lambda: len(gone) == 2)


async def test_after_a_stale_connection_the_next_attempt_opens_a_new_one() -> None:
    at_once, arrived = 3, 0
    all_arrived = asyncio.Event()

    async def serve(peer: Peer) -> None:
        nonlocal arrived
        request = await peer.request()
        arrived += 1
        if arrived == at_once:
            all_arrived.set()
        await all_arrived.wait()
        await peer.send(answer(path_of(request)))
        await peer.request()
        peer.reset()  # as a firewall does that has forgotten an idle connection

    async with serving(serve) as server, opened(Client()) as client:
        asking = [ask(client, server.route, method="POST", path=f"/{i}") for i in range(at_once)]
        await asyncio.gather(*asking)
        with pytest.raises(DisconnectedError):
            await ask(client, server.route, method="POST", path="/stale")
        assert await ask(client, server.route, method="POST", path="/new") == (200, b"/new")
        assert len(server.peers) == at_once + 1
