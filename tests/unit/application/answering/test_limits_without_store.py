"""Limits while the store of several gateways is away."""

from dataclasses import dataclass

import pytest

from modegate.adapters.memory.admission_limiter import MemoryAdmissionLimiter
from modegate.application.answering.limits_without_store import LimitsWithoutStore
from modegate.domain.errors import RateLimitError, StorageError
from modegate.domain.errors.catalogue import storage
from modegate.domain.quota import KeyLimits, Limit, Quota
from modegate.domain.store_failure import StoreFailureMode, share_of

ADDRESS = Limit("address", 10, 60.0)


@dataclass
class Store:
    is_up: bool = True
    gateways: int = 3


class FailingLimiter(MemoryAdmissionLimiter):
    """Limits whose store has just gone."""

    fails = False

    async def acquire(
        self, per_address: Limit, address: str, key: KeyLimits | None = None
    ) -> Quota:
        if self.fails:
            raise storage.store_away()
        return await super().acquire(per_address, address, key)

    async def peek(self, limit: Limit, subject: str) -> Quota:
        if self.fails:
            raise storage.store_away()
        return await super().peek(limit, subject)

    async def record(self, limit: Limit, subject: str) -> Quota:
        if self.fails:
            raise storage.store_away()
        return await super().record(limit, subject)


class World:
    def __init__(self, mode: StoreFailureMode) -> None:
        self.store = Store()
        self.shared, self.local = FailingLimiter(), MemoryAdmissionLimiter()
        self.limits = LimitsWithoutStore(self.shared, self.local, self.store, mode)

    async def admitted(self, times: int, key: KeyLimits | None = None) -> int:
        """Returns how many of so many requests are admitted."""
        count = 0
        for _ in range(times):
            try:
                await self.limits.acquire(ADDRESS, "here", key)
                count += 1
            except RateLimitError:
                pass
        return count


@pytest.fixture
def closed() -> World:
    return World(StoreFailureMode.CLOSED)


@pytest.fixture
def local() -> World:
    return World(StoreFailureMode.LOCAL)


@pytest.mark.parametrize(
    ("limit", "gateways", "share"),
    [(10, 1, 10), (10, 3, 3), (10, 10, 1), (2, 5, 1), (10, 0, 10), (12, 4, 3)],
)
def test_a_share_is_a_part_of_the_limit_and_at_least_1(
    limit: int, gateways: int, share: int
) -> None:
    assert share_of(limit, gateways) == share


async def test_the_shared_limits_count_while_the_store_is_there(local: World) -> None:
    assert await local.admitted(12) == 10
    assert (await local.limits.peek(ADDRESS, "here")).remaining == 0


@pytest.mark.parametrize("fails", [True, False])
async def test_closed_refuses_while_the_store_is_away(closed: World, fails: bool) -> None:
    # Either the call fails, or the store is known to be away.
    closed.shared.fails, closed.store.is_up = fails, fails
    for call in (closed.limits.acquire(ADDRESS, "here"), closed.limits.record(ADDRESS, "here")):
        with pytest.raises(StorageError):
            await call
    assert (await closed.limits.peek(ADDRESS, "here")).limit == 3


@pytest.mark.parametrize("fails", [True, False])
async def test_local_admits_a_share_of_each_limit(local: World, fails: bool) -> None:
    local.shared.fails, local.store.is_up = fails, fails
    assert await local.admitted(20) == 3
    assert (await local.limits.peek(ADDRESS, "here")).limit == 3
    assert (await local.limits.record(ADDRESS, "there")).remaining == 2


async def test_local_admits_a_share_of_permits_and_of_a_keys_rate(local: World) -> None:
    local.store.is_up = False
    wide = Limit("address", 1000, 60.0)
    key = KeyLimits("key_a", 7, Limit("key", 3000, 60.0))
    quota = [await local.limits.acquire(wide, "here", key) for _ in range(2)][-1]
    assert quota.limit == 333
    with pytest.raises(RateLimitError):
        await local.limits.acquire(wide, "here", key)
    local.limits.release("key_a")
    await local.limits.acquire(wide, "here", key)


async def test_permits_return_to_where_they_came_from(local: World) -> None:
    key = KeyLimits("key_a", 9)
    await local.limits.acquire(ADDRESS, "here", key)
    local.store.is_up = False
    await local.limits.acquire(ADDRESS, "here", key)
    local.store.is_up = True
    assert (local.shared.taken, local.local.taken) == (1, 1)
    local.limits.release("key_a")
    assert (local.shared.taken, local.local.taken) == (1, 0)
    local.limits.release("key_a")
    assert (local.shared.taken, local.local.taken) == (0, 0)


async def test_the_shared_limits_count_again_when_the_store_is_back(local: World) -> None:
    local.store.is_up = False
    assert await local.admitted(20) == 3
    local.store.is_up = True
    assert await local.admitted(20) == 10
