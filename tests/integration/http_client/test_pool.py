"""The bound on the connections of a route, and the order of the requests that wait."""

import asyncio

from support.http_client import Peer, ask, begin, opened, serving
from support.waiting import until

from modegate.http_client.client import Client


def path_of(request: bytes) -> str:
    return request.split(b" ", 2)[1].decode()


async def test_connections_are_bounded_and_requests_wait_in_order() -> None:
    order: list[str] = []

    async def serve(peer: Peer) -> None:
        while True:
            order.append(path_of(await peer.request()))
            await asyncio.sleep(0)
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with serving(serve) as server, opened(Client(max_connections=1)) as client:
        paths = [f"/{number}" for number in range(50)]
        tasks = [asyncio.create_task(ask(client, server.route, path=path)) for path in paths]
        await asyncio.gather(*tasks)
        assert order == paths
        assert len(server.peers) == 1


async def test_many_requests_at_once_use_no_more_than_the_bound() -> None:
    async def serve(peer: Peer) -> None:
        while True:
            path = path_of(await peer.request()).encode()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))

    async with serving(serve) as server, opened(Client(max_connections=5)) as client:
        paths = [f"/{number}" for number in range(200)]
        answers = await asyncio.gather(*(ask(client, server.route, path=path) for path in paths))
        assert [body.decode() for _, body in answers] == paths
        assert len(server.peers) == 5


async def test_each_route_has_its_own_bound() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
        await peer.gone()

    async with (
        serving(serve) as one,
        serving(serve) as other,
        opened(Client(max_connections=1)) as client,
    ):
        exchanges = [await begin(client, it.route) for it in (one, other)]
        waiting = asyncio.create_task(begin(client, one.route))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiting.done()
        exchanges[0].close()
        exchanges[0] = await waiting
        for exchange in exchanges:
            exchange.close()


async def test_a_connection_that_cannot_be_opened_frees_its_place() -> None:
    async def serve(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with opened(Client(max_connections=1)) as client:
        async with serving(serve) as server:
            route = server.route
        failed = await asyncio.gather(
            *(ask(client, route) for _ in range(3)), return_exceptions=True
        )
        assert [type(error).__name__ for error in failed] == ["ConnectError"] * 3


async def test_a_closed_exchange_counts_once() -> None:
    async def serve(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    async with serving(serve) as server, opened(Client(max_connections=1)) as client:
        exchange = await begin(client, server.route)
        exchange.close()
        exchange.close()
        one = await begin(client, server.route)
        waiting = asyncio.create_task(begin(client, server.route))
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiting.done()
        one.close()
        (await waiting).close()
        await until(lambda: len(server.peers) == 1)
