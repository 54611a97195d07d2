"""Requests that are cancelled anywhere, and the requests behind them on the same pool."""

import asyncio
from collections.abc import AsyncIterator
from itertools import cycle, islice

import pytest
from support.http_client import PATIENCE_S, Peer, ask, begin, opened, serving
from support.waiting import until

from modegate.http_client.client import Client
from modegate.http_client.messages.request import Body
from modegate.http_client.messages.route import Route

# More than the iterations of the event loop that a request takes.
ITERATIONS = 40
CONNECTIONS = 2


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def echo(peer: Peer) -> None:
    """Answers each request with its path three times, in pieces, so that it lasts a while."""
    while True:
        path = (await peer.request()).split(b" ", 2)[1]
        pieces = [
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: ",
            b"chunked\r\n\r\n",
            *[chunk(path) for _ in range(3)],
            b"0\r\n\r\n",
        ]
        for piece in pieces:
            await peer.send(piece)


async def stream() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield b"x"
        await asyncio.sleep(0)


async def check(client: Client, route: Route, name: str, body: Body = b"") -> None:
    """A canary: its answer holds its own path alone."""
    path = f"/{name}"
    assert await ask(client, route, body, path=path) == (200, path.encode() * 3)


async def cancel_after(task: asyncio.Task[None], iterations: int) -> bool:
    for _ in range(iterations):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled():
        task.result()
    return task.cancelled()


async def cancel_everywhere(times: int, patience_s: float) -> None:
    before = asyncio.all_tasks()
    async with (
        serving(echo, patience_s=patience_s) as server,
        opened(Client(max_connections=CONNECTIONS)) as client,
    ):
        cancelled = 0
        for number, after in enumerate(islice(cycle(range(ITERATIONS)), times)):
            body = bytes(1024 * 1024) if number % 7 == 0 else b"x"
            task = asyncio.create_task(check(client, server.route, f"cancelled{number}", body))
            cancelled += await cancel_after(task, after)
            await check(client, server.route, f"canary{number}")
        assert cancelled > 0
        # All slots are free: as many requests as the pool has connections run beside each other.
        exchanges = [await begin(client, server.route) for _ in range(CONNECTIONS)]
        for exchange in exchanges:
            exchange.close()
    await until(lambda: asyncio.all_tasks() <= before)


async def test_a_request_cancelled_anywhere_leaves_the_pool_whole() -> None:
    await cancel_everywhere(5 * ITERATIONS, PATIENCE_S)


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
async def test_ten_thousand_cancelled_requests_leave_the_pool_whole() -> None:
    await cancel_everywhere(10_000, 580.0)


async def test_requests_cancelled_while_they_wait_for_each_other_leave_the_pool_whole() -> None:
    async with serving(echo) as server, opened(Client(max_connections=1)) as client:
        for number in range(2 * ITERATIONS):
            names = [f"{number}-{index}" for index in range(4)]
            tasks = [asyncio.create_task(check(client, server.route, name)) for name in names]
            await cancel_after(tasks[number % 4], number % ITERATIONS)
            for task in tasks:
                if not task.cancelled():
                    await task
            await check(client, server.route, f"canary{number}")


async def test_a_stream_cancelled_anywhere_leaves_the_pool_whole() -> None:
    async def serve(peer: Peer) -> None:
        while True:
            head = await peer.reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1]
            while await peer.reader.readuntil(b"\r\n") != b"0\r\n":
                await peer.reader.readuntil(b"\r\n")
            await peer.reader.readuntil(b"\r\n")
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (3 * len(path)))
            await peer.send(path * 3)

    async with serving(serve) as server, opened(Client(max_connections=1)) as client:
        for number in range(2 * ITERATIONS):
            task = asyncio.create_task(check(client, server.route, f"c{number}", stream()))
            await cancel_after(task, number % ITERATIONS)
            await check(client, server.route, f"canary{number}", stream())


async def test_a_cancelled_read_loses_nothing() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none")
        await go_on.wait()
        await peer.send(b"two")
        await peer.gone()

    go_on = asyncio.Event()
    async with serving(serve) as server, opened(Client()) as client:
        exchange = await begin(client, server.route)
        assert await exchange.read() == b"one"
        task = asyncio.create_task(exchange.read())
        await asyncio.sleep(0)
        go_on.set()
        task.cancel()
        await asyncio.wait({task})
        assert await exchange.read() == b"two"
        assert await exchange.read() == b""
        exchange.close()


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"])
async def test_a_cancelled_request_closes_its_connection_at_once(begun: bytes) -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(begun)
        arrived.set()
        await peer.gone()
        gone.append(peer)

    arrived, gone = asyncio.Event(), list[Peer]()
    async with serving(serve) as server, opened(Client()) as client:
        task = asyncio.create_task(ask(client, server.route))
        await arrived.wait()
        task.cancel()
        await until(lambda: gone)
        await asyncio.wait({task})


async def test_closing_the_client_ends_all_requests() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        arrived.set()
        await peer.gone()

    arrived = asyncio.Event()
    async with serving(serve) as server:
        client = Client(max_connections=1)
        tasks = [asyncio.create_task(ask(client, server.route)) for _ in range(3)]
        await arrived.wait()
        await client.aclose()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(error).__name__ for error in ended] == [
        "DisconnectedError",
        "ClosedError",
        "ClosedError",
    ]
