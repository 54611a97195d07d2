"""What the client makes of an answer, however its bytes come."""

import asyncio

import pytest
from support.answers import CASES, CHUNKED, END, OK, Case
from support.http_client import Peer, ask, begin, opened, serving
from support.waiting import until

from modegate.http_client.client import Client
from modegate.http_client.connections.exchange import HIGH_WATER_BYTES
from modegate.http_client.errors import InvalidResponseError


class Cut:
    """Answers the first request on each connection with a case, cut at a place."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.place = 0

    async def __call__(self, peer: Peer) -> None:
        await peer.request()
        await peer.send(self.case.raw[: self.place])
        for _ in range(3):
            await asyncio.sleep(0)
        await peer.send(self.case.raw[self.place :])
        if self.case.closes:
            peer.writer.close()
        else:
            await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nagain")
            await peer.gone()


@pytest.mark.parametrize("name", CASES)
async def test_an_outcome_is_the_same_wherever_the_answer_is_cut(name: str) -> None:
    case = CASES[name]
    serve = Cut(case)
    async with serving(serve) as server:
        for serve.place in range(0, len(case.raw), 9):
            async with opened(Client()) as client:
                if case.body is None:
                    with pytest.raises(InvalidResponseError):
                        await ask(client, server.route, method=case.method)
                else:
                    answered = await ask(client, server.route, method=case.method)
                    assert answered == (case.status, case.body)
                before = len(server.peers)
                if case.reusable and case.body is not None:
                    assert await ask(client, server.route) == (200, b"again")
                assert len(server.peers) == before


async def test_framing_that_breaks_in_the_middle_ends_the_answer_at_once() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + CHUNKED + END + b"5\r\nhello\r\n")
        await go_on.wait()
        await peer.send(b"zz\r\n")
        await peer.gone()

    go_on = asyncio.Event()
    async with serving(serve) as server, opened(Client()) as client:
        exchange = await begin(client, server.route)
        assert await exchange.read() == b"hello"
        reading = asyncio.create_task(exchange.read())
        await asyncio.sleep(0)
        go_on.set()
        with pytest.raises(InvalidResponseError):
            await reading
        with pytest.raises(InvalidResponseError):
            await exchange.read()
        exchange.close()


async def test_what_arrived_before_a_failure_is_read_first() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + CHUNKED + END + b"5\r\nhello\r\nzz\r\n")
        await peer.gone()

    async with serving(serve) as server, opened(Client()) as client:
        exchange = await begin(client, server.route)
        assert await exchange.read() == b"hello"
        with pytest.raises(InvalidResponseError):
            await exchange.read()
        exchange.close()


async def test_a_reset_ends_no_answer_that_lasts_to_the_end() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + END + b"hello")
        await go_on.wait()
        peer.reset()

    go_on = asyncio.Event()
    async with serving(serve) as server, opened(Client()) as client:
        exchange = await begin(client, server.route)
        assert await exchange.read() == b"hello"
        go_on.set()
        with pytest.raises(InvalidResponseError):
            await exchange.read()
        exchange.close()


async def test_a_reader_that_stops_stops_the_upstream_and_loses_nothing() -> None:
    size = 64 * 1024 * 1024
    sent = 0

    async def serve(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(OK + b"Content-Length: %d\r\n" % size + END)
        while sent < size:
            await peer.send(bytes(65_536))
            sent += 65_536
        await peer.gone()

    async with serving(serve) as server, opened(Client()) as client:
        exchange = await begin(client, server.route)
        await until(lambda: exchange._paused)  # noqa: SLF001
        (upstream,) = server.peers
        # The upstream goes on until all buffers on the way are full.
        await until(upstream.writer.transport.get_write_buffer_size)
        assert sent < size
        assert exchange._parser.size < 2 * HIGH_WATER_BYTES  # noqa: SLF001
        got = 0
        while piece := await exchange.read():
            got += len(piece)
        assert got == size
        exchange.close()
        assert len(server.peers) == 1
