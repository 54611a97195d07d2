"""The limits of admission on a real store: contracts, leases, outages, and clocks."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import redis
from support.redis import REDIS, VALKEY, RedisServer, redis_server
from support.redis_admission import MANY, PERMITS, RATE, WIDE, opened
from support.waiting import until_awaited

from modegate.adapters.redis.admission_entries import Count, window_key
from modegate.adapters.redis.admission_limiter import RedisAdmissionLimiter
from modegate.domain.errors import RateLimitError
from modegate.domain.quota import Limit
from modegate.testing.contracts.admission_limiter import AdmissionLimiterContract
from modegate.testing.contracts.rate_limiter import RateLimiterContract


@pytest.fixture(scope="module", params=[REDIS, VALKEY])
def store_kind(request: pytest.FixtureRequest) -> str:
    """Each server, in tests that are not exhaustive, too: they are fast, and have the largest script."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, store_kind: str) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis"), name=store_kind) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty(server: RedisServer) -> None:
    with redis.Redis.from_url(server.full_url) as client:
        client.flushall()


class TestRedisAdmissionLimiter(AdmissionLimiterContract):
    @pytest.fixture(autouse=True)
    def _server(self, server: RedisServer) -> None:
        self._url = server

    @asynccontextmanager
    async def limiter(self) -> AsyncIterator[RedisAdmissionLimiter]:
        async with opened(self._url) as limiter:
            yield limiter


class TestRedisRateLimiter(RateLimiterContract):
    @pytest.fixture(autouse=True)
    def _server(self, server: RedisServer) -> None:
        self._url = server

    @asynccontextmanager
    async def limiter(self) -> AsyncIterator[RedisAdmissionLimiter]:
        async with opened(self._url) as limiter:
            yield limiter


async def test_gateways_share_all_limits(server: RedisServer) -> None:
    async with opened(server) as one, opened(server) as other:
        outcomes = await asyncio.gather(
            *(it.record(RATE, "a") for _ in range(100) for it in (one, other)),
            return_exceptions=True,
        )
        assert sum(isinstance(it, RateLimitError) for it in outcomes) == 200 - RATE.requests
        held = [await it.acquire(WIDE, "x", PERMITS) for it in (one, other, one)]
        assert len(held) == 3
        with pytest.raises(RateLimitError):
            await other.acquire(WIDE, "x", PERMITS)
        one.release("a")
        await one.peek(WIDE, "x")  # what was released before it is known to the store
        await other.acquire(WIDE, "x", PERMITS)


async def test_calls_of_one_turn_are_one_call_of_the_store(server: RedisServer) -> None:
    async with opened(server) as limiter:
        await limiter.peek(WIDE, "x")  # loads the script
        with redis.Redis.from_url(server.full_url) as client:
            before = client.info("commandstats")["cmdstat_evalsha"]["calls"]
            await asyncio.gather(*(limiter.acquire(WIDE, "x", MANY) for _ in range(100)))
            for _ in range(100):
                limiter.release("a")
            await limiter.acquire(WIDE, "x", MANY)
            after = client.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert after - before <= 3  # releases of more than one batch


async def test_the_window_slides_on_the_time_of_the_server(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = Limit("short", 2, 0.2)
    async with opened(server) as limiter:
        monkeypatch.setattr("time.time", lambda: 0.0)
        monkeypatch.setattr("time.monotonic", lambda: 0.0)
        entry = Count(limit, "a")
        first = await limiter.record(limit, "a")
        monkeypatch.undo()
        assert abs(first.reset_at - time.time()) < 60
        assert entry.arguments == ("c", 2, 200)

        async def is_empty() -> bool:
            return (await limiter.peek(limit, "a")).remaining == 2

        await until_awaited(is_empty)
        await limiter.record(limit, "a")


async def test_a_high_limit_is_counted_in_buckets(server: RedisServer) -> None:
    limit = Limit("high", 20_000, 3600.0)
    async with opened(server) as limiter:
        quotas = await asyncio.gather(*(limiter.record(limit, "a") for _ in range(1_000)))
        assert [it.remaining for it in quotas] == list(range(19_999, 18_999, -1))
        with redis.Redis.from_url(server.full_url) as client:
            size = client.llen(window_key(limit, "a"))
            assert size < 500
            head = struct.pack("<4d", limit.requests, 0, time.time() * 1000, limit.requests)
            client.lset(window_key(limit, "a"), -1, head)
        with pytest.raises(RateLimitError) as caught:
            await limiter.record(limit, "a")
        assert 0 < (caught.value.retry_after or 0) <= limit.seconds


async def test_buckets_expire(server: RedisServer) -> None:
    limit = Limit("high", 20_000, 0.3)
    async with opened(server) as limiter:
        for _ in range(20):
            await limiter.record(limit, "a")
            await asyncio.sleep(0.005)

        async def is_empty() -> bool:
            return (await limiter.peek(limit, "a")).remaining == limit.requests

        await until_awaited(is_empty)
        assert (await limiter.record(limit, "a")).remaining == limit.requests - 1


async def test_the_numbers_of_buckets_and_their_head_stay_equal(server: RedisServer) -> None:
    limit = Limit("high", 20_000, 0.05)
    async with opened(server) as limiter, opened(server) as other:
        with redis.Redis.from_url(server.full_url) as client:
            sizes = set()
            for number in range(300):
                await asyncio.gather(*(limiter.record(limit, "a") for _ in range(number % 7)))
                await other.peek(limit, "a")
                items = client.lrange(window_key(limit, "a"), 0, -1)
                if not items:  # the window is empty
                    continue
                taken, first, last, latest = struct.unpack("<4d", items.pop())
                sizes.add(len(items))
                assert taken == latest + sum(map(int, items[1::2]))
                assert first == (int(items[0]) if items else 0) <= last
    assert len(sizes) > 2
