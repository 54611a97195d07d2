"""The contract suite of kept responses, run on the memory store and on broken fakes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from support.contracts import duties_of, expect_failure

from modegate.adapters.memory.response_store import MemoryResponseStore
from modegate.domain.access.client import ClientId
from modegate.domain.kept_response import DEFAULT_LIMITS, KeptResponse, ResponseLimits
from modegate.testing.clock import FakeClock
from modegate.testing.contracts.response_store import (
    LIFETIME_S,
    WAIT_TIMEOUT_S,
    ResponseStoreContract,
)


class InMemory(ResponseStoreContract):
    made = MemoryResponseStore

    @asynccontextmanager
    async def store(
        self, limits: ResponseLimits = DEFAULT_LIMITS
    ) -> AsyncIterator[MemoryResponseStore]:
        self.clock = FakeClock()
        self.passed = 0.0
        yield self.made(self.clock, limits)

    async def pass_time(self) -> None:
        self.clock.advance(LIFETIME_S / 10)
        self.passed += LIFETIME_S / 10
        if self.passed > WAIT_TIMEOUT_S:
            raise TimeoutError


class TestMemoryResponseStore(InMemory):
    pass


class Textual(MemoryResponseStore):
    async def put(self, response: KeptResponse) -> None:
        messages = tuple(replace(it, is_error=False) for it in response.messages)
        await super().put(replace(response, messages=messages))


class Open(MemoryResponseStore):
    async def find(self, response_id: str, client: ClientId) -> KeptResponse | None:
        del client
        kept = self._kept.get(response_id)
        return None if kept is None else kept[1]


class Keeping(MemoryResponseStore):
    async def remove(self, response_id: str, client: ClientId) -> bool:
        return await self.find(response_id, client) is not None


class First(MemoryResponseStore):
    async def put(self, response: KeptResponse) -> None:
        if response.id not in self._kept:
            await super().put(response)


class Bounded(MemoryResponseStore):
    """Has other bounds than it was told."""

    bounds: Mapping[str, float]

    def __init__(self, clock: FakeClock, limits: ResponseLimits = DEFAULT_LIMITS) -> None:
        super().__init__(clock, replace(limits, **self.bounds))  # type: ignore[arg-type]


class ManyOfAClient(Bounded):
    bounds: Mapping[str, float] = {"of_client": 100}


class ManyInAll(Bounded):
    bounds: Mapping[str, float] = {"in_all": 100}


class LargeClients(Bounded):
    bounds: Mapping[str, float] = {"client_bytes": 10**9}


class LargeInAll(Bounded):
    bounds: Mapping[str, float] = {"all_bytes": 10**9}


class LargeResponses(Bounded):
    bounds: Mapping[str, float] = {"response_bytes": 10**9}


class Eternal(Bounded):
    bounds: Mapping[str, float] = {"lifetime_s": 10**9}


BROKEN: Mapping[str, type[MemoryResponseStore]] = {
    "test_a_response_is_found_as_it_was_put": Textual,
    "test_a_client_finds_and_deletes_its_own_only": Open,
    "test_a_deleted_response_is_unknown": Keeping,
    "test_a_response_with_the_same_id_is_replaced": First,
    "test_the_oldest_of_a_client_make_place": ManyOfAClient,
    "test_the_oldest_of_all_make_place": ManyInAll,
    "test_the_bytes_of_a_client_are_bounded": LargeClients,
    "test_the_bytes_of_all_are_bounded": LargeInAll,
    "test_a_response_that_is_too_large_takes_no_place": LargeResponses,
    "test_a_response_expires": Eternal,
    "test_nothing_is_left_of_an_expired_response": Eternal,
}


def test_every_duty_has_a_broken_store() -> None:
    assert set(BROKEN) == duties_of(ResponseStoreContract)


@pytest.mark.parametrize(("duty", "broken"), BROKEN.items())
async def test_a_broken_store_fails_its_duty(duty: str, broken: type[MemoryResponseStore]) -> None:
    class Suite(InMemory):
        made = broken

    await expect_failure(getattr(Suite(), duty))
