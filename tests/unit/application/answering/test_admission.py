"""Who comes in."""

import asyncio

import pytest

from modegate.adapters.memory.concurrency_limiter import MemoryConcurrencyLimiter
from modegate.adapters.memory.rate_limiter import SlidingWindowLimiter
from modegate.application.answering.admission import Admission
from modegate.domain.access.client import ANONYMOUS, ApiKey, Client, KeyRing
from modegate.domain.errors import InvalidKeyError, MissingKeyError, RateLimitError
from modegate.domain.quota import Limit

KEY = ApiKey("sk-cca-1234567890")
BEARER = "Bearer sk-cca-1234567890"


def admission(*keys: ApiKey, requests: int = 3, places: int = 2) -> Admission:
    return Admission(
        keys=KeyRing(keys),
        limiter=SlidingWindowLimiter(),
        permits=MemoryConcurrencyLimiter(places),
        per_address=Limit("address", requests, 60),
    )


async def test_the_client_and_its_quota() -> None:
    async with admission(KEY)("a", BEARER) as admitted:
        assert admitted.client == Client.of(KEY)
        assert (admitted.quota.limit, admitted.quota.remaining) == (3, 2)


async def test_addresses_are_counted_each_for_itself_and_before_keys() -> None:
    admit = admission(KEY)
    for _ in range(3):
        with pytest.raises(InvalidKeyError):
            async with admit("a", "Bearer guess"):
                pass
    with pytest.raises(RateLimitError) as caught:
        async with admit("a", BEARER):
            pass
    assert caught.value.quota is not None
    assert caught.value.quota.remaining == 0
    assert 0 < (caught.value.retry_after or 0) <= 60
    async with admit("b", BEARER):
        pass


async def test_places_are_given_back_on_every_path() -> None:
    admit = admission(KEY, requests=100, places=1)
    with pytest.raises(RuntimeError, match="boom"):
        async with admit("a", BEARER):
            raise RuntimeError("boom")

    entered = asyncio.Event()

    async def stay() -> None:
        async with admit("a", BEARER):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(stay())
    await entered.wait()
    with pytest.raises(RateLimitError):
        async with admit("a", BEARER):
            pass
    task.cancel()
    await asyncio.wait({task})
    async with admit("a", BEARER):
        pass


async def test_without_keys_nobody_is_counted_by_key() -> None:
    admit = admission(requests=100, places=1)
    async with admit("a", None) as first, admit("a", "Bearer x") as second:
        assert first.client is second.client is ANONYMOUS


async def test_with_keys_one_is_needed() -> None:
    with pytest.raises(MissingKeyError):
        async with admission(KEY)("a", None):
            pass


async def test_looking_counts_nothing() -> None:
    admit = admission()
    assert (await admit.quota("a")).remaining == 3
    assert (await admit.quota("a")).remaining == 3
