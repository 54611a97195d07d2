"""A storage is looked at now and then, and never waited for."""

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

    async def look(self) -> tuple[State, bool]:
        health = await self.watch.refreshed(self.check)
        return health.storage, health.ready


@pytest.fixture
async def world() -> World:
    return World()


async def test_what_is_told_was_tried_a_second_ago_at_most(world: World) -> None:
    assert await world.look() == (State.OK, True)
    world.storage.found = State.ERROR
    assert await world.look() == (State.OK, True)
    world.now += 1.0
    assert await world.look() == (State.ERROR, False)
    assert world.storage.checks == 2


async def test_those_who_ask_together_share_a_check(world: World) -> None:
    world.storage.ready.clear()
    asking = [asyncio.create_task(world.look()) for _ in range(5)]
    await asyncio.sleep(0)
    world.storage.ready.set()
    assert await asyncio.gather(*asking) == [(State.OK, True)] * 5
    assert world.storage.checks == 1


async def test_a_check_that_hangs_holds_nothing_up_and_becomes_a_fault(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_watch, "LONGEST_WAIT_S", 0.0)
    world.storage.ready.clear()
    assert await world.look() == (State.OK, True)
    world.now += storage_watch.LONGEST_CHECK_S
    assert await world.look() == (State.ERROR, False)
    world.storage.ready.set()
    while (await world.look())[0] is State.ERROR:
        pass
    assert world.storage.checks == 1


async def test_who_leaves_ends_no_check(world: World) -> None:
    world.storage.ready.clear()
    asking = asyncio.create_task(world.look())
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.wait({asking})
    world.storage.ready.set()
    assert await world.look() == (State.OK, True)
    assert world.storage.checks == 1


async def test_several_storages_work_where_all_do() -> None:
    first, second = Storage(), Storage()
    both = Storages([first, second])
    await both.check_storage()
    assert both.storage_state() is State.OK
    second.found = State.ERROR
    await both.check_storage()
    assert both.storage_state() == State.ERROR
    assert Storages().storage_state() is State.OK
