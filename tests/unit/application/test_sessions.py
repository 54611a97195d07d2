"""A client's sessions, and the end of their time."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from modegate.adapters.memory.session_store import MemorySessionStore
from modegate.application.sessions.expire import ExpireSessions
from modegate.application.sessions.manage import ManageSessions
from modegate.application.sessions.registry import SessionRegistry
from modegate.domain.access.client import ClientId
from modegate.domain.errors import (
    InvalidSessionIdError,
    SessionBusyError,
    SessionNotFoundError,
    StorageError,
)
from modegate.domain.session import Session, SessionId, SessionPolicy
from modegate.testing.clock import FakeClock
from modegate.testing.configuration_source import FakeConfigurationSource
from modegate.testing.ids import FakeIds
from modegate.testing.transcript_store import FakeTranscriptStore

ME, YOU = ClientId("me"), ClientId("you")
ONE = SessionId("3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11")
TWO = SessionId("7d9f6c52-8f1e-4a9b-8a55-6a3f0e1c2b22")
LEFT = SessionId("9b1d2e3f-4a5b-4c6d-8e7f-8a9b0c1d2e33")


class World:
    """Two sessions of mine; one is used at 0, the other at 50. Idle sessions live for a minute."""

    def __init__(self) -> None:
        self.clock = FakeClock(55.0)
        self.store: MemorySessionStore = MemorySessionStore()
        self.transcripts = FakeTranscriptStore(ONE, TWO)
        configuration = FakeConfigurationSource(sessions=SessionPolicy(idle=60, age=200))
        self.sessions = ManageSessions(
            sessions=SessionRegistry(
                store=self.store,
                configuration=configuration,
                clock=self.clock,
                ids=FakeIds(),
                transcripts=self.transcripts,
            ),
            transcripts=self.transcripts,
        )
        self.expire = ExpireSessions(
            store=self.store,
            transcripts=self.transcripts,
            configuration=configuration,
            clock=self.clock,
        )


@pytest.fixture
async def world() -> World:
    made = World()
    await made.store.put(Session.start(ONE, ME, 0.0))
    await made.store.put(replace(Session.start(TWO, ME, 0.0), used_at=50.0))
    return made


class EndedMeanwhile(MemorySessionStore):
    """Whoever held the session until now has ended it."""

    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[None]:
        async with super().hold(session_id):
            await self.remove(session_id)
            yield


async def test_what_was_ended_while_it_was_waited_for_is_not_resumed(world: World) -> None:
    store = EndedMeanwhile()
    await store.put(Session.start(TWO, ME, 50.0))
    holding = replace(world.sessions.sessions, store=store)
    with pytest.raises(SessionNotFoundError):
        async with holding.resume(TWO, ME):
            pass


async def test_a_client_sees_its_own_the_latest_used_first(world: World) -> None:
    assert [session.id for session in await world.sessions.list(ME)] == [TWO, ONE]
    assert (await world.sessions.get(ONE, ME)).id == ONE
    assert not await world.sessions.list(YOU)


async def test_what_is_expired_is_not_there(world: World) -> None:
    world.clock.advance(10)
    assert [session.id for session in await world.sessions.list(ME)] == [TWO]
    with pytest.raises(SessionNotFoundError):
        await world.sessions.get(ONE, ME)


async def test_ending_takes_the_conversation_too(world: World) -> None:
    assert (await world.sessions.end(ONE, ME)).id == ONE
    assert await world.store.get(ONE) is None
    assert world.transcripts.ids == {TWO}
    with pytest.raises(SessionNotFoundError):
        await world.sessions.end(ONE, ME)


async def test_nobody_ends_what_is_anothers_or_in_use(world: World) -> None:
    with pytest.raises(SessionNotFoundError):
        await world.sessions.end(ONE, YOU)
    with pytest.raises(InvalidSessionIdError):
        await world.sessions.end("one", ME)
    async with world.store.hold(ONE):
        with pytest.raises(SessionBusyError):
            await world.sessions.end(ONE, ME)
        with pytest.raises(SessionNotFoundError):  # not even that it is busy is told
            await world.sessions.end(ONE, YOU)
    assert await world.store.get(ONE) is not None


async def test_expired_sessions_are_removed_with_their_conversations(world: World) -> None:
    assert await world.expire.execute() == 0
    world.clock.advance(5)
    assert await world.expire.execute() == 1
    assert world.transcripts.ids == {TWO}
    assert [session.id for session in await world.store.find()] == [TWO]


async def test_a_session_that_is_too_old_is_removed_however_busy_it_was(world: World) -> None:
    world.clock.advance(145)
    await world.store.put(replace(Session.start(TWO, ME, 0.0), used_at=199.0))
    assert await world.expire.execute() == 2


async def test_what_is_in_use_stays_until_it_is_free(world: World) -> None:
    world.clock.advance(100)
    async with world.store.hold(ONE):
        assert await world.expire.execute() == 1
    assert await world.expire.execute() == 1


async def test_what_is_left_of_a_turn_that_nobody_remembers_is_removed(world: World) -> None:
    world.transcripts.ids.add(LEFT)
    async with world.store.hold(LEFT):  # its first turn is under way
        assert await world.expire.execute() == 0
    assert await world.expire.execute() == 1
    assert world.transcripts.ids == {ONE, TWO}


class Full(MemorySessionStore):
    """Has room for nothing while `conversations` keeps something of a session."""

    def __init__(self, conversations: FakeTranscriptStore) -> None:
        super().__init__()
        self._conversations = conversations

    async def remove(self, session_id: SessionId) -> None:
        if session_id in self._conversations.ids:
            raise StorageError("full")
        await super().remove(session_id)


class Stuck(FakeTranscriptStore):
    """Cannot remove what it keeps of the first session."""

    async def delete(self, session_id: SessionId) -> bool:
        if session_id == ONE:
            raise StorageError("stuck")
        return await super().delete(session_id)


async def test_the_conversation_goes_first_for_the_store_may_need_its_room(world: World) -> None:
    store = Full(world.transcripts)
    await store.put(Session.start(ONE, ME, 0.0))
    await store.put(Session.start(TWO, ME, 50.0))
    ending = replace(world.sessions, sessions=replace(world.sessions.sessions, store=store))
    await ending.end(TWO, ME)
    assert [session.id for session in await store.find()] == [ONE]
    world.clock.advance(10)
    assert await replace(world.expire, store=store).execute() == 1
    assert await store.find() == []


async def test_one_that_cannot_be_removed_keeps_no_other(world: World) -> None:
    stuck = Stuck(ONE, TWO)
    world.clock.advance(300)
    with pytest.raises(StorageError):
        await replace(world.expire, transcripts=stuck).execute()
    assert stuck.ids == {ONE}
    assert [session.id for session in await world.store.find()] == [ONE]


async def test_a_conversation_that_stays_is_told_and_left_to_the_cleaner(world: World) -> None:
    ending = replace(world.sessions, transcripts=Stuck(ONE))
    with pytest.raises(StorageError):
        await ending.end(ONE, ME)
    with pytest.raises(SessionNotFoundError):
        await ending.get(ONE, ME)
    assert await world.expire.execute() == 1
    assert world.transcripts.ids == {TWO}


class Paged(MemorySessionStore):
    """Loads no session but those that are to be removed, and records the size of each page."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    async def find(self, client: ClientId | None = None) -> list[Session]:
        raise AssertionError(f"all sessions of {client} were loaded")

    async def find_expired(self, **wanted: Any) -> list[SessionId]:
        page = await super().find_expired(**wanted)
        self.sizes.append(len(page))
        return page

    async def find_unknown(self, ids: Sequence[SessionId]) -> list[SessionId]:
        self.sizes.append(len(ids))
        return await super().find_unknown(ids)


IDS = [SessionId(str(uuid.UUID(int=number, version=4))) for number in range(10)]


@pytest.fixture
async def many(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Ten sessions of which nine have expired, in pages of three."""
    monkeypatch.setattr("modegate.application.sessions.expire.PAGE_SIZE", 3)
    world.store = Paged()
    world.transcripts.ids.clear()
    for session_id in IDS:
        await world.store.put(Session.start(session_id, ME, 0.0))
        world.transcripts.ids.add(session_id)
    world.clock.advance(10)
    await world.store.put(replace(Session.start(IDS[7], ME, 0.0), used_at=50.0))
    world.expire = replace(world.expire, store=world.store)
    return world


async def test_sessions_expire_in_pages(many: World) -> None:
    many.transcripts.ids.add(LEFT)
    assert await many.expire.execute() == 10
    assert many.transcripts.ids == {IDS[7]}
    assert isinstance(many.store, Paged)
    assert many.store.sizes == [3, 3, 3, 0, 2]


async def test_sessions_in_use_fill_no_page_for_ever(many: World) -> None:
    async with AsyncExitStack() as turns:
        for session_id in IDS[:5]:
            await turns.enter_async_context(many.store.hold(session_id))
        assert await many.expire.execute() == 4
    assert await many.expire.execute() == 5
    assert await many.store.count() == 1


class Immovable(Paged):
    async def remove(self, session_id: SessionId) -> None:
        raise StorageError(f"{session_id} stays")


async def test_sessions_that_cannot_be_removed_fill_no_page_for_ever(many: World) -> None:
    store = Immovable()
    for session_id in IDS:
        await store.put(Session.start(session_id, ME, 0.0))
    with pytest.raises(StorageError, match=IDS[-1]):  # all were tried
        await replace(many.expire, store=store).execute()
    assert await store.count() == len(IDS)


async def test_a_transcript_that_another_gateway_uses_fills_no_page_for_ever(many: World) -> None:
    class Used(FakeTranscriptStore):
        async def delete(self, session_id: SessionId) -> bool:
            return session_id == IDS[0] and await super().delete(session_id)

    assert await replace(many.expire, transcripts=Used(*IDS, LEFT)).execute() == 1
    assert await many.store.count() == len(IDS) - 1


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_a_clock_that_jumps_ends_none_and_shows_what_it_says(
    jump: float, world: World
) -> None:
    world.clock.jump(jump)
    assert await world.expire.execute() == 0
    assert [it.used_at for it in await world.sessions.list(ME)] == [50.0 + jump, jump]
    assert (await world.sessions.get(TWO, ME)).created_at == jump
    world.clock.advance(5)
    assert await world.expire.execute() == 1
