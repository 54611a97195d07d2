"""Listing, ending and expiring sessions."""

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
from modegate.testing.awaited_calls import FakeAwaitedCalls
from modegate.testing.clock import FakeClock
from modegate.testing.configuration_source import FakeConfigurationSource
from modegate.testing.ids import FakeIds
from modegate.testing.transcript_store import FakeTranscriptStore

ME, YOU = ClientId("me"), ClientId("you")
ONE = SessionId("3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11")
TWO = SessionId("7d9f6c52-8f1e-4a9b-8a55-6a3f0e1c2b22")
ORPHAN = SessionId("9b1d2e3f-4a5b-4c6d-8e7f-8a9b0c1d2e33")


class World:
    """Two sessions of `ME`, last used at 0 s and 50 s; sessions expire after 60 idle seconds."""

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
            calls=FakeAwaitedCalls(),
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


class SessionEndingStore(MemorySessionStore):
    """Simulates that the previous holder ended the session."""

    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[None]:
        async with super().hold(session_id):
            await self.remove(session_id)
            yield


async def test_a_session_ended_while_being_acquired_is_not_resumed(world: World) -> None:
    store = SessionEndingStore()
    await store.put(Session.start(TWO, ME, 50.0))
    holding = replace(world.sessions.sessions, store=store)
    with pytest.raises(SessionNotFoundError):
        async with holding.resume(TWO, ME):
            pass


async def test_a_client_lists_only_its_own_sessions_most_recently_used_first(world: World) -> None:
    assert [session.id for session in await world.sessions.list(ME)] == [TWO, ONE]
    assert (await world.sessions.get(ONE, ME)).id == ONE
    assert not await world.sessions.list(YOU)


async def test_expired_sessions_are_neither_listed_nor_returned(world: World) -> None:
    world.clock.advance(10)
    assert [session.id for session in await world.sessions.list(ME)] == [TWO]
    with pytest.raises(SessionNotFoundError):
        await world.sessions.get(ONE, ME)


async def test_ending_a_session_deletes_its_transcript(world: World) -> None:
    assert (await world.sessions.end(ONE, ME)).id == ONE
    assert await world.store.get(ONE) is None
    assert world.transcripts.ids == {TWO}
    with pytest.raises(SessionNotFoundError):
        await world.sessions.end(ONE, ME)


async def test_sessions_of_other_clients_or_in_use_cannot_be_ended(world: World) -> None:
    with pytest.raises(SessionNotFoundError):
        await world.sessions.end(ONE, YOU)
    with pytest.raises(InvalidSessionIdError):
        await world.sessions.end("one", ME)
    async with world.store.hold(ONE):
        with pytest.raises(SessionBusyError):
            await world.sessions.end(ONE, ME)
        with pytest.raises(SessionNotFoundError):  # does not disclose that the session is busy
            await world.sessions.end(ONE, YOU)
    assert await world.store.get(ONE) is not None


async def test_expired_sessions_are_removed_with_their_transcripts(world: World) -> None:
    assert await world.expire.execute() == 0
    world.clock.advance(5)
    assert await world.expire.execute() == 1
    assert world.transcripts.ids == {TWO}
    assert [session.id for session in await world.store.find()] == [TWO]


async def test_a_session_past_its_maximum_age_is_removed_even_if_recently_used(
    world: World,
) -> None:
    world.clock.advance(145)
    await world.store.put(replace(Session.start(TWO, ME, 0.0), used_at=199.0))
    assert await world.expire.execute() == 2


async def test_an_expired_session_in_use_is_removed_once_released(world: World) -> None:
    world.clock.advance(100)
    async with world.store.hold(ONE):
        assert await world.expire.execute() == 1
    assert await world.expire.execute() == 1


async def test_transcripts_without_a_session_are_removed_unless_in_use(world: World) -> None:
    world.transcripts.ids.add(ORPHAN)
    async with world.store.hold(ORPHAN):  # its first turn is under way
        assert await world.expire.execute() == 0
    assert await world.expire.execute() == 1
    assert world.transcripts.ids == {ONE, TWO}


class FullStore(MemorySessionStore):
    """Raises `StorageError` on removal while `conversations` still holds the transcript."""

    def __init__(self, conversations: FakeTranscriptStore) -> None:
        super().__init__()
        self._conversations = conversations

    async def remove(self, session_id: SessionId) -> None:
        if session_id in self._conversations.ids:
            raise StorageError("full")
        await super().remove(session_id)


class StuckTranscriptStore(FakeTranscriptStore):
    """Cannot delete the transcript of session `ONE`."""

    async def delete(self, session_id: SessionId) -> bool:
        if session_id == ONE:
            raise StorageError("stuck")
        return await super().delete(session_id)


async def test_a_transcript_is_deleted_before_its_session(world: World) -> None:
    store = FullStore(world.transcripts)
    await store.put(Session.start(ONE, ME, 0.0))
    await store.put(Session.start(TWO, ME, 50.0))
    ending = replace(world.sessions, sessions=replace(world.sessions.sessions, store=store))
    await ending.end(TWO, ME)
    assert [session.id for session in await store.find()] == [ONE]
    world.clock.advance(10)
    assert await replace(world.expire, store=store).execute() == 1
    assert await store.find() == []


async def test_a_failed_transcript_deletion_does_not_block_other_sessions(world: World) -> None:
    stuck = StuckTranscriptStore(ONE, TWO)
    world.clock.advance(300)
    with pytest.raises(StorageError):
        await replace(world.expire, transcripts=stuck).execute()
    assert stuck.ids == {ONE}
    assert [session.id for session in await world.store.find()] == [ONE]


async def test_a_session_whose_deletion_failed_stays_and_can_be_deleted_later(
    world: World,
) -> None:
    ending = replace(world.sessions, transcripts=StuckTranscriptStore(ONE, TWO))
    await world.store.put(Session.start(ONE, ME, 50.0))
    with pytest.raises(StorageError):
        await ending.end(ONE, ME)
    assert (await ending.get(ONE, ME)).id == ONE
    await world.sessions.end(ONE, ME)
    with pytest.raises(SessionNotFoundError):
        await world.sessions.get(ONE, ME)
    assert world.transcripts.ids == {TWO}


class Paged(MemorySessionStore):
    """Fails when all sessions are loaded at once; records the size of each page."""

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
    monkeypatch.setattr("modegate.application.sessions.expire.LISTED_IDS", 4)
    world.store = Paged()
    world.transcripts.ids.clear()
    for session_id in IDS:
        await world.store.put(Session.start(session_id, ME, 0.0))
        world.transcripts.ids.add(session_id)
    world.clock.advance(10)
    await world.store.put(replace(Session.start(IDS[7], ME, 0.0), used_at=50.0))
    world.expire = replace(world.expire, store=world.store)
    return world


async def test_expired_sessions_are_removed_in_pages(many: World) -> None:
    many.transcripts.ids.add(ORPHAN)
    assert await many.expire.execute() == 10
    assert many.transcripts.ids == {IDS[7]}
    assert isinstance(many.store, Paged)
    assert many.store.sizes == [3, 3, 3, 0, 2]


async def test_transcripts_are_listed_in_pages(many: World) -> None:
    class PagedTranscripts(FakeTranscriptStore):
        async def list_ids(self, *, limit: int, after: SessionId | None = None) -> list[SessionId]:
            assert limit == 4
            return await super().list_ids(limit=limit, after=after)

    orphans = [SessionId(str(uuid.UUID(int=number, version=4))) for number in range(90, 97)]
    transcripts = PagedTranscripts(IDS[7], *orphans)
    assert await replace(many.expire, transcripts=transcripts).execute() == 9 + len(orphans)
    assert transcripts.ids == {IDS[7]}


async def test_sessions_in_use_do_not_block_removal_of_later_pages(many: World) -> None:
    async with AsyncExitStack() as turns:
        for session_id in IDS[:5]:
            await turns.enter_async_context(many.store.hold(session_id))
        assert await many.expire.execute() == 4
    assert await many.expire.execute() == 5
    assert await many.store.count() == 1


class FailingRemovalStore(Paged):
    async def remove(self, session_id: SessionId) -> None:
        raise StorageError(f"cannot remove {session_id}")


async def test_sessions_whose_removal_fails_do_not_block_later_pages(many: World) -> None:
    store = FailingRemovalStore()
    for session_id in IDS:
        await store.put(Session.start(session_id, ME, 0.0))
    with pytest.raises(StorageError, match=IDS[-1]):  # all were tried
        await replace(many.expire, store=store).execute()
    assert await store.count() == len(IDS)


async def test_cleanup_terminates_and_skips_transcripts_used_by_another_gateway(
    many: World,
) -> None:
    class Used(FakeTranscriptStore):
        async def delete(self, session_id: SessionId) -> bool:
            return session_id == IDS[0] and await super().delete(session_id)

    assert await replace(many.expire, transcripts=Used(*IDS, ORPHAN)).execute() == 1
    assert await many.store.count() == len(IDS) - 1


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_clock_jumps_expire_no_session_and_shift_reported_times(
    jump: float, world: World
) -> None:
    world.clock.jump(jump)
    assert await world.expire.execute() == 0
    assert [it.used_at for it in await world.sessions.list(ME)] == [50.0 + jump, jump]
    assert (await world.sessions.get(TWO, ME)).created_at == jump
    world.clock.advance(5)
    assert await world.expire.execute() == 1


class CountingStore(MemorySessionStore):
    """Counts what is stored."""

    def __init__(self) -> None:
        super().__init__()
        self.puts = 0

    async def put(self, session: Session) -> None:
        self.puts += 1
        await super().put(session)


@pytest.mark.parametrize(
    ("said", "reported", "puts"),
    [("digest", TWO, 1), ("digest", None, 1), ("digest", "forked", 2), ("", TWO, 1)],
)
async def test_a_turn_that_begins_is_stored_once(
    world: World, said: str, reported: str | None, puts: int
) -> None:
    registry = replace(world.sessions.sessions, store=CountingStore())
    assert isinstance(registry.store, CountingStore)
    session = replace(Session.start(TWO, ME, 0.0), turns=1, said=said)
    async with registry.in_turn(session):
        await registry.begun(session, reported)
    assert registry.store.puts == puts
    stored = await registry.store.get(TWO)
    assert stored == replace(session, used_at=55.0, said="", cli_session_id=reported or TWO)
