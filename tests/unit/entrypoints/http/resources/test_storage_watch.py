"""Storage checks are cached, shared and never block a health check."""

import asyncio

import pytest

from modegate.application.check_health import CheckHealth, Storages
from modegate.domain.health import Capacity, ClaudeHealth, CredentialState
from modegate.domain.health import StorageState as State
from modegate.domain.routing.route import CLAUDE, Routes
from modegate.entrypoints.http.resources import storage_watch
from modegate.entrypoints.http.resources.storage_watch import StorageWatch
from modegate.testing.configuration_source import FakeConfigurationSource


class Storage:
    """Counts its checks; each waits until `ready` is set."""

    def __init__(self) -> None:
        self.state = State.OK
        self.found = State.OK
        self.checks = 0
        self.ready = asyncio.Event()
        self.ready.set()

    def storage_state(self) -> State:
        return self.state

    async def check_storage(self) -> None:
        self.checks += 1
        await self.ready.wait()
        self.state = self.found


class Claude:
    def status(self) -> ClaudeHealth:
        return ClaudeHealth(
            executable=True, credentials=CredentialState.OK, capacity=Capacity(0, 0, 0, 0, 1)
        )


class World:
    def __init__(self) -> None:
        self.now = 100.0
        self.storage = Storage()
        self.check = CheckHealth(
            answering={CLAUDE: Claude()},
            configuration=FakeConfigurationSource(routes=Routes()),
            storage=self.storage,
        )
        self.watch = StorageWatch(self.storage, lambda: self.now)

    async def refreshed_state(self) -> tuple[State, bool]:
        health = await self.watch.refreshed(self.check)
        return health.storage, health.ready


@pytest.fixture
async def world() -> World:
    return World()


async def test_the_storage_state_is_rechecked_after_one_second(world: World) -> None:
    assert await world.refreshed_state() == (State.OK, True)
    world.storage.found = State.ERROR
    assert await world.refreshed_state() == (State.OK, True)
    world.now += 1.0
    assert await world.refreshed_state() == (State.ERROR, False)
    assert world.storage.checks == 2


async def test_concurrent_health_checks_share_one_storage_check(world: World) -> None:
    world.storage.ready.clear()
    asking = [asyncio.create_task(world.refreshed_state()) for _ in range(5)]
    await asyncio.sleep(0)
    world.storage.ready.set()
    assert await asyncio.gather(*asking) == [(State.OK, True)] * 5
    assert world.storage.checks == 1


async def test_a_hanging_storage_check_does_not_block_and_becomes_an_error(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_watch, "LONGEST_WAIT_S", 0.0)
    world.storage.ready.clear()
    assert await world.refreshed_state() == (State.OK, True)
    world.now += storage_watch.LONGEST_CHECK_S
    assert await world.refreshed_state() == (State.ERROR, False)
    world.storage.ready.set()
    while (await world.refreshed_state())[0] is State.ERROR:
        pass
    assert world.storage.checks == 1


async def test_cancelling_a_health_check_does_not_cancel_the_storage_check(world: World) -> None:
    world.storage.ready.clear()
    asking = asyncio.create_task(world.refreshed_state())
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait({asking})
    world.storage.ready.set()
    assert await world.refreshed_state() == (State.OK, True)
    assert world.storage.checks == 1


async def test_combined_storages_are_ok_only_if_all_are_ok() -> None:
    first, second = Storage(), Storage()
    both = Storages([first, second])
    await both.check_storage()
    assert both.storage_state() is State.OK
    second.found = State.ERROR
    await both.check_storage()
    assert both.storage_state() == State.ERROR
    assert Storages().storage_state() is State.OK
