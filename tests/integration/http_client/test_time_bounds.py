"""Each time bound by itself. The other bounds of a test are those of its patience."""

import asyncio

import pytest
from support.http_client import Peer, ask, begin, connection_of, opened, serving
from support.waiting import until

from modegate.http_client.client import Client
from modegate.http_client.connections.connecting import ConnectTimeouts
from modegate.http_client.connections.connection import Connection
from modegate.http_client.connections.exchange import Exchange
from modegate.http_client.errors import ClosedError, ConnectError, ResponseTimeoutError
from modegate.http_client.messages.deadlines import Deadlines
from modegate.http_client.messages.route import Origin, Proxy, Route

SOON_S = 0.05
DRIP_S = 0.005
LONG_S = 60.0
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PIECE = b"5\r\nhello\r\n"


def within(seconds: float) -> Deadlines:
    return Deadlines(asyncio.get_running_loop().time() + seconds)


class Silent:
    """Sends its data after each request, then nothing; counts the connections that were closed."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = data
        self.closed = 0

    async def __call__(self, peer: Peer) -> None:
        if self.data:
            await peer.request()
            await peer.send(self.data)
        await peer.gone()
        self.closed += 1


async def never(_host: str, _port: int) -> list[object]:
    await asyncio.Event().wait()
    return []


async def test_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modegate.http_client.connections.connecting.resolve", never)
    timeouts = ConnectTimeouts(connect_s=SOON_S, handshake_s=LONG_S, tunnel_s=LONG_S)
    async with opened(Client(timeouts)) as client:
        with pytest.raises(ConnectError, match="connection failed: TimeoutError"):
            await ask(client, Route(Origin("http", "upstream.example", 80)))


async def test_the_tls_handshake() -> None:
    serve = Silent()
    timeouts = ConnectTimeouts(connect_s=LONG_S, handshake_s=SOON_S, tunnel_s=LONG_S)
    async with serving(serve) as server, opened(Client(timeouts)) as client:
        with pytest.raises(ConnectError, match="TLS handshake failed: TimeoutError"):
            await ask(client, Route(Origin("https", "127.0.0.1", server.port)))
        await until(lambda: serve.closed)


async def test_the_tunnel_of_a_proxy() -> None:
    serve = Silent()
    timeouts = ConnectTimeouts(connect_s=LONG_S, handshake_s=LONG_S, tunnel_s=SOON_S)
    async with serving(serve) as server, opened(Client(timeouts)) as client:
        proxy = Proxy(server.route.origin)
        with pytest.raises(ConnectError, match="proxy tunnel failed: TimeoutError"):
            await ask(client, Route(Origin("https", "upstream.example", 443), proxy))
        await until(lambda: serve.closed)


async def test_the_tls_handshake_within_a_tunnel() -> None:
    serve = Silent(b"HTTP/1.1 200 OK\r\n\r\n")
    timeouts = ConnectTimeouts(connect_s=LONG_S, handshake_s=SOON_S, tunnel_s=LONG_S)
    async with serving(serve) as server, opened(Client(timeouts)) as client:
        proxy = Proxy(server.route.origin)
        with pytest.raises(ConnectError, match="TLS handshake failed: TimeoutError"):
            await ask(client, Route(Origin("https", "upstream.example", 443), proxy))
        await until(lambda: serve.closed)


async def test_the_whole_includes_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modegate.http_client.connections.connecting.resolve", never)
    timeouts = ConnectTimeouts(connect_s=LONG_S, handshake_s=LONG_S, tunnel_s=LONG_S)
    async with opened(Client(timeouts)) as client:
        with pytest.raises(TimeoutError):
            await ask(
                client, Route(Origin("http", "upstream.example", 80)), deadlines=within(SOON_S)
            )


async def test_the_whole_includes_the_connection_of_a_repetition(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + b"0\r\n\r\n")
        await peer.request()

    async with serving(serve) as server, opened(Client(max_connections=1)) as client:
        assert (await ask(client, server.route))[0] == 200
        monkeypatch.setattr("modegate.http_client.connections.connecting.resolve", never)
        with pytest.raises(TimeoutError):
            await ask(client, server.route, method="GET", deadlines=within(SOON_S))


async def test_the_whole_includes_the_wait_for_a_connection() -> None:
    serve = Silent(HEAD)
    async with serving(serve) as server, opened(Client(max_connections=1)) as client:
        exchange = await begin(client, server.route)
        with pytest.raises(TimeoutError):
            await ask(client, server.route, deadlines=within(SOON_S))
        exchange.close()
        (await begin(client, server.route)).close()


@pytest.mark.parametrize("data", [b"", b"\r\n", HEAD[:9], b"HTTP/1.1 100 Continue\r\n\r\n"])
@pytest.mark.parametrize("bound", ["whole", "silence"])
async def test_the_head(bound: str, data: bytes) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + b"0\r\n\r\n")
        await peer.request()
        await peer.send(data)
        await peer.gone()
        closed.set()

    closed = asyncio.Event()
    async with serving(serve) as server, opened(Client()) as client:
        await ask(client, server.route)  # opens the connection
        deadlines = within(SOON_S) if bound == "whole" else Deadlines(silence_s=SOON_S)
        with pytest.raises(ResponseTimeoutError):
            await ask(client, server.route, deadlines=deadlines)
        await closed.wait()


@pytest.mark.parametrize("data", [b"", PIECE[:3]])
async def test_a_silence_within_the_body(data: bytes) -> None:
    serve = Silent(HEAD + PIECE + data)
    async with serving(serve) as server, opened(Client()) as client:
        exchange = await begin(client, server.route)
        assert await exchange.read() == b"hello"
        exchange.deadlines.silence_s = SOON_S
        with pytest.raises(ResponseTimeoutError):
            await exchange.read()
        with pytest.raises(ResponseTimeoutError):
            await exchange.read()
        exchange.close()
        await until(lambda: serve.closed)


async def flow(peer: Peer) -> None:
    """Sends without end, and never a silence."""
    await peer.request()
    await peer.send(HEAD)
    while not peer.writer.is_closing():
        await peer.send(PIECE)


async def test_the_whole_ends_an_answer_that_never_falls_silent() -> None:
    async with serving(flow) as server, opened(Client()) as client:
        deadlines = Deadlines(within(SOON_S).whole_at, silence_s=LONG_S)
        with pytest.raises(TimeoutError):
            await ask(client, server.route, deadlines=deadlines)


async def drip(peer: Peer) -> None:
    """Sends framing without end, and no byte of the body."""
    await peer.request()
    await peer.send(HEAD + b"5;")
    while not peer.writer.is_closing():
        await peer.send(b"x")
        await asyncio.sleep(DRIP_S)


async def test_framing_alone_ends_no_silence() -> None:
    async with serving(drip) as server, opened(Client()) as client:
        with pytest.raises(ResponseTimeoutError):
            await ask(client, server.route, deadlines=Deadlines(silence_s=200 * DRIP_S))


@pytest.mark.exhaustive  # for its time: a shorter bound would depend on the machine's speed
async def test_a_slow_reader_is_no_silence_of_the_upstream() -> None:
    """Also where so much waits for the reader that nothing more is read from the socket."""
    size = 4 * 1024 * 1024

    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
        await peer.gone()

    async with serving(serve) as server, opened(Client()) as client:
        exchange = await begin(client, server.route, deadlines=Deadlines(silence_s=10.0))
        await asyncio.sleep(11.0)
        got = 0
        while piece := await exchange.read():
            got += len(piece)
        assert got == size
        exchange.close()


async def test_what_has_arrived_expires_no_more() -> None:
    exchange = Exchange(Connection(), "POST", Deadlines(silence_s=0.0), lambda *_: None)
    exchange.data_received(HEAD + PIECE)
    assert exchange.time_passed() is None
    assert await exchange.read() == b"hello"
    exchange.data_received(PIECE)
    assert await exchange.read() == b"hello"
    exchange.close()


async def test_a_wait_whose_bound_has_passed_does_not_begin() -> None:
    """Otherwise bytes that always come in time would win against the timer for ever."""
    exchange = Exchange(Connection(), "POST", within(-1.0), lambda *_: None)
    exchange.data_received(HEAD)
    with pytest.raises(ResponseTimeoutError):
        exchange.read().send(None)
    exchange.close()


async def test_a_bound_that_is_moved_counts_from_then_on() -> None:
    serve = Silent(HEAD + PIECE)
    async with serving(serve) as server, opened(Client()) as client:
        exchange = await begin(client, server.route, deadlines=within(LONG_S))
        assert await exchange.read() == b"hello"
        exchange.deadlines.whole_at = None
        exchange.deadlines.silence_s = SOON_S
        with pytest.raises(ResponseTimeoutError):
            await exchange.read()
        exchange.close()


async def test_a_bound_of_an_earlier_exchange_ends_no_later_one() -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + b"0\r\n\r\n")
        await peer.request()
        asked.set()
        await go_on.wait()
        await peer.send(HEAD + PIECE + b"0\r\n\r\n")
        await peer.gone()

    loop = asyncio.get_running_loop()
    async with serving(serve) as server, opened(Client()) as client:
        await ask(client, server.route, deadlines=within(LONG_S))
        asking = asyncio.create_task(ask(client, server.route, deadlines=within(LONG_S)))
        await asked.wait()
        connection = connection_of(client)
        began = loop.time()
        connection.expire_at(began)  # as the timer of an earlier exchange expires
        await until(lambda: connection.fires_at > began)
        go_on.set()
        assert await asking == (200, b"hello")
        assert len(server.peers) == 1


async def test_pieces_that_come_in_time_set_no_timer_each() -> None:
    asked = asyncio.Event()

    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD)
        for _ in range(3):
            await asked.wait()
            asked.clear()
            await peer.send(PIECE)
        await peer.gone()

    async with serving(serve) as server, opened(Client()) as client:
        exchange = await begin(client, server.route, deadlines=Deadlines(silence_s=LONG_S))
        fires_at = connection_of(client).fires_at
        for _ in range(3):
            assert exchange.take() is None
            arrival = exchange.arrival()
            asked.set()
            await arrival
            assert exchange.take() == b"hello"
            assert connection_of(client).fires_at == fires_at
        exchange.close()
        with pytest.raises(ClosedError):
            exchange.take()
        with pytest.raises(ClosedError):
            await exchange.arrival()


async def test_the_same_connection_expires_earlier_if_a_request_demands_it() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + b"0\r\n\r\n")
        await peer.gone()

    async with serving(serve) as server, opened(Client()) as client:
        await ask(client, server.route, deadlines=within(LONG_S))
        with pytest.raises(ResponseTimeoutError):
            await ask(client, server.route, deadlines=within(SOON_S))
        assert len(server.peers) == 1
