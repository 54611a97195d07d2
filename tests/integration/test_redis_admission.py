"""The limits of admission on a real store: contracts, leases, outages, and clocks."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
import redis
from support.redis import REDIS, VALKEY, RedisServer, redis_server
from support.waiting import until, until_awaited

from modegate.adapters.redis import admission_limiter
from modegate.adapters.redis.admission_entries import Count, permits_key, window_key
from modegate.adapters.redis.admission_limiter import STATE, RedisAdmissionLimiter
from modegate.adapters.redis.connection import RedisConnection
from modegate.adapters.redis.options import RedisOptions
from modegate.domain.errors import RateLimitError, StorageError
from modegate.domain.quota import KeyLimits, Limit
from modegate.testing.contracts.admission_limiter import AdmissionLimiterContract
from modegate.testing.contracts.rate_limiter import RateLimiterContract

# Windows that no request leaves while a slow machine runs a test.
RATE, WIDE = Limit("contract", 30, 3600.0), Limit("address", 9_000, 3600.0)
PERMITS, MANY = KeyLimits("a", 3), KeyLimits("a", 1_000)


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
    with redis.Redis.from_url(server.url) as client:
        client.flushall()


@asynccontextmanager
async def opened(server: RedisServer) -> AsyncIterator[RedisAdmissionLimiter]:
    connection = RedisConnection(RedisOptions(server.url))
    limiter = RedisAdmissionLimiter(connection)
    try:
        yield limiter
    finally:
        await limiter.aclose()
        await connection.aclose()


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
        with redis.Redis.from_url(server.url) as client:
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
        with redis.Redis.from_url(server.url) as client:
            size = client.llen(window_key(limit, "a"))
            assert size < 500
            client.lset(window_key(limit, "a"), -1, limit.requests)
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


async def test_permits_of_a_dead_gateway_are_free_within_its_lease(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_permit = KeyLimits("a", 1)
    async with AsyncExitStack() as stack:
        limiter = await stack.enter_async_context(opened(server))
        await limiter.peek(WIDE, "x")
        monkeypatch.setattr(admission_limiter, "SETTINGS", (50, 60_000, 10_000))
        monkeypatch.setattr(admission_limiter, "RENEWAL_S", 3600.0)
        dead = await stack.enter_async_context(opened(server))
        await dead.acquire(WIDE, "x", one_permit)
        monkeypatch.undo()

        async def is_free() -> bool:
            try:
                await limiter.acquire(WIDE, "x", one_permit)
            except RateLimitError:
                return False
            return True

        await until_awaited(is_free)


async def test_a_live_gateway_keeps_its_permits_beyond_a_lease(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_permit = KeyLimits("a", 1)
    monkeypatch.setattr(admission_limiter, "RENEWAL_S", 0.05)
    async with opened(server) as limiter, opened(server) as other:
        await limiter.acquire(WIDE, "x", one_permit)
        with redis.Redis.from_url(server.url) as client:
            (first,) = client.zrange(permits_key("a"), 0, 0, withscores=True)

            def is_renewed() -> bool:
                (lease,) = client.zrange(permits_key("a"), 0, 0, withscores=True)
                return bool(lease[0] == first[0] and lease[1] > first[1])

            await until(is_renewed)
            client.delete(permits_key("a"))  # the store lost its data: it is set anew
            await until(lambda: client.zcard(permits_key("a")) == 1)
        with pytest.raises(RateLimitError):
            await other.acquire(WIDE, "x", one_permit)


async def test_leases_do_not_end_while_the_store_is_away(server: RedisServer) -> None:
    one_permit = KeyLimits("a", 1)
    async with opened(server) as limiter, opened(server) as other:
        await limiter.acquire(WIDE, "x", one_permit)
        with redis.Redis.from_url(server.url) as client:  # as after an outage longer than a lease
            client.hset(STATE, "seen", 1)
            client.zadd(permits_key("a"), dict.fromkeys(client.zrange(permits_key("a"), 0, 0), 1))
        with pytest.raises(RateLimitError):
            await other.acquire(WIDE, "x", one_permit)


async def test_nothing_leaks_when_the_store_is_away(server: RedisServer) -> None:
    async with opened(server) as limiter, opened(server) as other:
        await limiter.acquire(WIDE, "x", PERMITS)
        server.kill()
        started = time.monotonic()
        outcomes = await asyncio.gather(
            *(limiter.acquire(WIDE, "x", PERMITS) for _ in range(20)), return_exceptions=True
        )
        assert all(isinstance(it, StorageError) for it in outcomes), outcomes
        assert time.monotonic() - started < 10
        limiter.release("a")
        assert limiter.taken == 0
        server.start()

        async def all_free() -> bool:
            held = 0
            try:
                for _ in range(PERMITS.permits):
                    await other.acquire(WIDE, "x", PERMITS)
                    held += 1
            except (RateLimitError, StorageError):
                return False
            finally:
                for _ in range(held):
                    other.release("a")
            return True

        await until_awaited(all_free)
