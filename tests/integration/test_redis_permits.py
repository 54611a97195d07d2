"""Permits on a real store: leases, outages, and permits that pass on."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
import redis
from support.redis import RedisServer, redis_server
from support.redis_admission import MANY, PERMITS, WIDE, opened
from support.waiting import until, until_awaited

from modegate.adapters.redis import admission_limiter, batcher
from modegate.adapters.redis.admission_entries import permits_key
from modegate.adapters.redis.admission_limiter import STATE
from modegate.domain.errors import RateLimitError, StorageError
from modegate.domain.quota import KeyLimits, Limit


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, store_kind: str) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis"), name=store_kind) as running:
        yield running


@pytest.fixture(autouse=True)
def _empty(server: RedisServer) -> None:
    with redis.Redis.from_url(server.full_url) as client:
        client.flushall()


async def test_a_permit_passes_from_a_request_to_the_next(server: RedisServer) -> None:
    rated = KeyLimits("a", 3, Limit("rated", 2, 3600.0))
    async with opened(server) as limiter:
        with redis.Redis.from_url(server.full_url) as client:
            await limiter.acquire(WIDE, "x", rated)
            (permit,) = client.zrange(permits_key("a"), 0, -1)
            limiter.release("a")
            await limiter.acquire(WIDE, "x", rated)
            assert client.zrange(permits_key("a"), 0, -1) == [permit]
            limiter.release("a")
            with pytest.raises(RateLimitError):  # the rate is exhausted: nobody holds it
                await limiter.acquire(WIDE, "x", rated)
            assert limiter.taken == client.zcard(permits_key("a")) == 0
            for address in (Limit("none", 1, 3600.0), WIDE):
                await limiter.acquire(address, "y", PERMITS)
                limiter.release("a")
            await limiter.acquire(WIDE, "x", PERMITS)
            limiter.release("a")
            with pytest.raises(RateLimitError):
                await limiter.acquire(Limit("none", 1, 3600.0), "y", PERMITS)
            assert limiter.taken == client.zcard(permits_key("a")) == 0


async def test_a_cancelled_request_releases_the_permit_that_it_took_over(
    server: RedisServer,
) -> None:
    async with opened(server) as limiter:
        with redis.Redis.from_url(server.full_url) as client:
            for turns in range(40):
                await limiter.acquire(WIDE, "x", MANY)
                limiter.release("a")
                asking = asyncio.create_task(limiter.acquire(WIDE, "x", MANY))
                for _ in range(turns):
                    await asyncio.sleep(0)
                asking.cancel()
                await asyncio.wait({asking})
                if not asking.cancelled():
                    limiter.release("a")
                await until(lambda: client.zcard(permits_key("a")) == 0)
                assert limiter.taken == 0


async def test_the_last_permit_is_released_at_once(
    server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batcher, "PATIENCE_S", 3600.0)
    one_permit = KeyLimits("a", 1)
    async with opened(server) as limiter, opened(server) as other:
        with redis.Redis.from_url(server.full_url) as client:
            for gateway in (limiter, other, limiter):
                await gateway.acquire(WIDE, "x", one_permit)
                gateway.release("a")
                await until(lambda: client.zcard(permits_key("a")) == 0)


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
        with redis.Redis.from_url(server.full_url) as client:
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
        with redis.Redis.from_url(
            server.full_url
        ) as client:  # as after an outage longer than a lease
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
