"""Kept responses in a real store: the contract, several gateways, and a store that is away."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support.redis import RedisServer, redis_server
from support.redis_fleet import cluster

from modegate.adapters.redis import response_store
from modegate.adapters.redis.connection import RedisConnection
from modegate.adapters.redis.options import RedisOptions
from modegate.adapters.redis.response_store import RedisResponseStore
from modegate.domain.access.client import ClientId
from modegate.domain.errors import StorageError
from modegate.domain.kept_response import DEFAULT_LIMITS, ResponseLimits
from modegate.testing.contracts.response_store import (
    ADA,
    BOB,
    IMAGE_BYTES,
    ResponseStoreContract,
    found,
    response,
)

PATIENT_S = 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as it:
        yield it


@asynccontextmanager
async def connected(url: str, timeout_s: float = PATIENT_S) -> AsyncIterator[RedisConnection]:
    connection = RedisConnection(RedisOptions(url, timeout_s))
    try:
        yield connection
    finally:
        await connection.aclose()


@asynccontextmanager
async def emptied(server: RedisServer) -> AsyncIterator[RedisConnection]:
    async with connected(server.url) as connection:
        await connection.call(lambda client: client.flushdb())
        yield connection


class TestRedisResponseStore(ResponseStoreContract):
    @pytest.fixture(autouse=True)
    def on_server(self, server: RedisServer) -> None:
        self.server = server

    @asynccontextmanager
    async def store(
        self, limits: ResponseLimits = DEFAULT_LIMITS
    ) -> AsyncIterator[RedisResponseStore]:
        async with emptied(self.server) as connection:
            yield RedisResponseStore(connection, limits)


async def keys_of(connection: RedisConnection) -> set[str]:
    found = await connection.call(lambda client: client.keys("*"))
    return {it.decode() for it in found if isinstance(it, bytes)}


async def test_gateways_share_the_responses_and_their_bounds(server: RedisServer) -> None:
    limits = ResponseLimits(of_client=2)
    async with emptied(server) as connection, connected(server.url) as other:
        stores = RedisResponseStore(connection, limits), RedisResponseStore(other, limits)
        for number in range(6):
            await stores[number % 2].put(response(number))
        for store in stores:
            assert await found(store, *range(6)) == [4, 5]
        assert await stores[1].remove(response(4).id, ADA)
        assert await found(stores[0], 4, 5) == [5]


async def test_responses_that_are_put_at_once_keep_the_sums(server: RedisServer) -> None:
    limits = ResponseLimits(of_client=3, in_all=5)
    async with emptied(server) as connection:
        store = RedisResponseStore(connection, limits)
        clients = [ADA, BOB, ClientId("eve")]
        await asyncio.gather(*(store.put(response(it, clients[it % 3])) for it in range(30)))
        sums = await connection.call(lambda client: client.hgetall(response_store.SIZES))
        sizes = {str(name): int(size) for name, size in sums.items()}
        assert sizes.pop(str(b"")) == sum(sizes.values()) > 5 * IMAGE_BYTES
        left = [it for it in await keys_of(connection) if it.startswith(response_store.VALUE)]
        assert len(left) == 5


async def test_nothing_of_a_deleted_response_stays(server: RedisServer) -> None:
    async with emptied(server) as connection:
        store = RedisResponseStore(connection)
        await store.put(response(1, BOB))
        assert await store.remove(response(1).id, BOB)
        sums = await connection.call(lambda client: client.hgetall(response_store.SIZES))
        assert (await keys_of(connection), sums) == ({response_store.SIZES}, {b"": b"0"})


async def test_a_response_ends_by_itself_on_the_clock_of_the_store(server: RedisServer) -> None:
    async with emptied(server) as connection:
        await RedisResponseStore(connection).put(response(1))
        key = f"{response_store.VALUE}{ADA}:{response(1).id}"
        left_ms = await connection.call(lambda client: client.pttl(key))
        assert 23.5 * 3600 * 1000 < left_ms <= 24 * 3600 * 1000


@pytest.mark.parametrize("content", [b"", b"\x02 of a later version"])
async def test_a_response_that_cannot_be_read_is_unknown(
    server: RedisServer, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with emptied(server) as connection:
        store = RedisResponseStore(connection)
        await store.put(response(1))
        key = f"{response_store.VALUE}{ADA}:{response(1).id}"
        await connection.call(lambda client: client.set(key, content))
        assert await found(store, 1) == []
        assert "cannot be read" in caplog.text


async def test_a_large_response_is_kept(server: RedisServer) -> None:
    async with emptied(server) as connection:
        store = RedisResponseStore(connection)
        large = replace(response(1), messages=response(1).messages * 500)
        await store.put(large)
        assert await store.find(large.id, ADA) == large


@pytest.mark.exhaustive
async def test_a_store_that_is_away_is_an_error_within_a_second(server: RedisServer) -> None:
    async with connected(server.url, RedisOptions(server.url).timeout_s) as connection:
        store = RedisResponseStore(connection)
        await store.put(response(1))
        server.pause()
        try:
            for failing in (store.find(response(1).id, ADA), store.put(response(2))):
                begun = time.monotonic()
                with pytest.raises(StorageError):
                    await failing
                assert time.monotonic() - begun < 10  # a second, on a machine that is not busy
        finally:
            server.resume()


@pytest.mark.exhaustive
async def test_responses_are_kept_in_a_cluster(tmp_path: Path) -> None:
    with cluster(tmp_path) as nodes:
        async with AsyncExitStack() as stack:
            url = f"redis+cluster://127.0.0.1:{nodes[0].port}"
            connection = await stack.enter_async_context(connected(url))
            store = RedisResponseStore(connection, ResponseLimits(of_client=1))
            await store.put(response(1))
            await store.put(response(2))
            assert await found(store, 1, 2) == [2]
            assert await store.remove(response(2).id, ADA)
            assert await store.expire() == 0
