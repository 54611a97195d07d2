"""Admission: authentication, rate limits and concurrency limits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from modegate.adapters.memory.admission_limiter import MemoryAdmissionLimiter
from modegate.application.answering.admission import Admission, Admitted
from modegate.domain.access.api_key import ApiKey
from modegate.domain.access.client import ANONYMOUS, Client
from modegate.domain.access.client_key import ClientKey, ConfiguredKey
from modegate.domain.access.key_ring import KeyRing
from modegate.domain.access.key_rules import KeyRules
from modegate.domain.errors import InvalidKeyError, MissingKeyError, RateLimitError
from modegate.domain.inbound_request import Entry, InProcess
from modegate.domain.quota import Limit
from modegate.testing.clock import FakeClock
from modegate.testing.configuration_source import FakeConfigurationSource

KEY = ApiKey("sk-cca-1234567890")
BEARER = "Bearer sk-cca-1234567890"


class World:
    def __init__(self, *keys: ApiKey, requests: int = 3, slots: int = 2) -> None:
        self.source = FakeConfigurationSource(
            keys=KeyRing(keys), per_address=Limit("address", requests, 60), per_key=slots
        )
        self.admission = Admission(
            configuration=self.source,
            limiter=MemoryAdmissionLimiter(),
            clock=FakeClock(),
        )

    @asynccontextmanager
    async def __call__(self, address: str, authorization: str | None) -> AsyncIterator[Admitted]:
        entry = Entry(address, authorization)
        admitted = await self.admission.acquire(entry, self.source.current())
        try:
            yield admitted
        finally:
            self.admission.release(admitted)


async def test_admission_yields_the_client_and_its_quota() -> None:
    async with World(KEY)("a", BEARER) as admitted:
        assert admitted.client == Client.of(KEY, "env-1")
        assert admitted.quota is not None
        assert (admitted.quota.limit, admitted.quota.remaining) == (3, 2)


async def test_rate_limits_apply_per_address_and_before_key_validation() -> None:
    admit = World(KEY)
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


async def test_concurrency_slots_are_released_after_errors_and_cancellation() -> None:
    admit = World(KEY, requests=100, slots=1)
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


async def test_anonymous_clients_have_no_concurrency_limit() -> None:
    admit = World(requests=100, slots=1)
    async with admit("a", None) as first, admit("a", "Bearer x") as second:
        assert first.client is second.client is ANONYMOUS


async def test_a_missing_key_is_rejected_when_keys_are_configured() -> None:
    with pytest.raises(MissingKeyError):
        async with World(KEY)("a", None):
            pass


async def test_reading_the_quota_does_not_count_as_a_request() -> None:
    admit = World()
    assert (await admit.admission.quota("a")).remaining == 3
    assert (await admit.admission.quota("a")).remaining == 3


async def test_in_process_requests_skip_authentication_and_rate_limits() -> None:
    world = World(KEY, requests=1)
    for _ in range(3):
        admitted = await world.admission.acquire(InProcess(), world.source.current())
        assert admitted.client is ANONYMOUS
        world.admission.release(admitted)


async def test_admission_uses_the_configuration_passed_with_the_request() -> None:
    world = World(KEY)
    old = world.source.current()
    world.source.change(keys=KeyRing())
    with pytest.raises(MissingKeyError):
        await world.admission.acquire(Entry("a"), old)
    async with world("a", None) as admitted:
        assert admitted.client is ANONYMOUS


def ruled(**rules: Any) -> KeyRing:
    key = ClientKey(id="a", name="a", masked="****", rules=KeyRules(**rules))
    return KeyRing((), [ConfiguredKey(key, KEY)])


async def test_a_key_has_a_rate_and_permits_of_its_own() -> None:
    world = World(requests=100, slots=9)
    world.source.change(keys=ruled(rpm=2, concurrency=1))
    async with world("a", BEARER) as admitted:
        assert admitted.quota is not None
        assert (admitted.quota.limit, admitted.quota.remaining) == (2, 1)
        with pytest.raises(RateLimitError):  # not counted, because it got no permit
            async with world("a", BEARER):
                pass
    async with world("a", BEARER):
        pass
    for _ in range(2):  # a permit that was not released would be another error
        with pytest.raises(RateLimitError, match="requests of this key"):
            async with world("a", BEARER):
                pass
