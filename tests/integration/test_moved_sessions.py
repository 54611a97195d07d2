"""Sessions whose turns go to any of several gateways, each with a state folder of its own."""

import asyncio
import copy
import json
import os
import random
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from claude_agent_sdk import InMemorySessionStore
from support.session_fleet import Fleet, Member, make_remembering_claude
from support.waiting import until

from modegate.adapters.claude_cli.archive import archived_sessions
from modegate.adapters.memory.configuration_source import MemoryConfigurationSource
from modegate.adapters.memory.session_store import MemorySessionStore
from modegate.application.ports.transcript_archive import Entry, TranscriptArchive, TranscriptKey
from modegate.application.sessions.expire import ExpireSessions
from modegate.application.sessions.store_late import StoreLateTurns
from modegate.domain.answer.events import AnswerEvent, Finished, TextDelta
from modegate.domain.configuration import Configuration
from modegate.domain.errors import GatewayError, SessionNotFoundError, StorageError
from modegate.domain.errors.catalogue import sessions
from modegate.domain.health import ArchiveState
from modegate.domain.session import Session, SessionId
from modegate.domain.storage import StorageFault, storage_error
from modegate.testing.clock import FakeClock

GATEWAYS = 4
TURNS = int(os.environ.get("MODEGATE_MOVED_TURNS", "20"))


class Archive(InMemorySessionStore):
    """A store of the Claude Agent SDK, because any that was made for the SDK can be used."""

    fails = False
    hangs = False

    async def append(self, key: Any, entries: Any) -> None:
        if self.fails:
            raise RuntimeError("an error of the archive's own")
        if self.hangs:
            await asyncio.Event().wait()
        await super().append(key, entries)

    @property
    def shared(self) -> TranscriptArchive:
        return cast("TranscriptArchive", self)


class Store(MemorySessionStore):
    """A store that can fail, and whose content at a kill can be kept."""

    fails: GatewayError | None = None

    async def put(self, session: Session) -> None:
        if self.fails is not None:
            raise self.fails
        await super().put(session)


@pytest.fixture
def archive() -> Archive:
    return Archive()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def fleet(tmp_path: Path, archive: Archive, store: Store) -> Fleet:
    return Fleet(tmp_path, make_remembering_claude(tmp_path), archive.shared, store=store)


@pytest.fixture
async def members(fleet: Fleet) -> AsyncIterator[list[Member]]:
    async with fleet.members(GATEWAYS) as members:
        yield members


@asynccontextmanager
async def after_a_kill(fleet: Fleet, member: Member) -> AsyncIterator[tuple[Member, Member]]:
    """Yields the gateway started again with what its disk has now, and another one.

    Both see the sessions and the archive as they are now. What the killed one does is not seen.
    """
    disk = member.state.with_name("after the kill")
    shutil.copytree(member.state, disk)
    killed = replace(
        fleet, store=store_as_now(fleet), archive=copy.deepcopy(cast("Any", fleet.archive))
    )
    async with killed.member(disk.name) as again, killed.member("another") as other:
        yield again, other


def store_as_now(fleet: Fleet) -> MemorySessionStore:
    now = MemorySessionStore()
    now._sessions = dict(cast("MemorySessionStore", fleet.store)._sessions)  # noqa: SLF001
    return now


async def session_of(fleet: Fleet, session: SessionId) -> Session:
    found = await fleet.store.get(session)
    assert found is not None
    return found


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_session_goes_on_wherever_its_next_turn_comes(
    members: list[Member], fleet: Fleet, *, streamed: bool
) -> None:
    session = (await members[0].ask("0", streamed=streamed)).session
    said = ["0"]
    for number, member in enumerate([1, 2, 2, 0, 3, 1, 0, 0], start=1):
        said.append(str(number))
        answer = await members[member].ask(str(number), session, streamed=streamed)
        assert answer.heard == said
    assert (await session_of(fleet, session)).turns == len(said)


async def test_sessions_are_never_mixed(members: list[Member]) -> None:
    chance = random.Random(18)  # noqa: S311 - the same every time
    said: dict[str, list[str]] = {}
    busy: set[str] = set()

    async def go_on() -> None:
        session = chance.choice(sorted(said.keys() - busy))
        busy.add(session)
        said[session].append(f"canary {len(said[session])} of {session}")
        answer = await chance.choice(members).ask(said[session][-1], session)
        assert answer.heard == said[session]
        busy.remove(session)

    for number in range(max(8, TURNS // 100)):
        answer = await members[number % GATEWAYS].ask(f"canary {number}")
        said[answer.session] = [f"canary {number}"]
    for _ in range(TURNS // 4):
        await asyncio.gather(*(go_on() for _ in range(4)))


async def test_a_process_that_has_missed_turns_is_ended(members: list[Member]) -> None:
    home, other, *_ = members
    session = (await home.ask("0")).session
    await until(lambda: home.backend.status().capacity.live == 1)
    await other.ask("1", session)
    assert (await home.ask("2", session)).heard == ["0", "1", "2"]
    await until(lambda: home.backend.status().capacity.live == 1)


async def test_only_the_turns_own_entries_are_stored(
    members: list[Member], archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    append = Archive.append

    async def counted(self: Archive, key: Any, entries: list[Any]) -> None:
        if "subpath" in key:
            sizes.append(len(entries))
        await append(self, key, entries)

    monkeypatch.setattr(Archive, "append", counted)
    session = (await members[0].ask("0")).session
    for member in (0, 1, 0, 0):
        await members[member].ask("next", session)
    assert sizes == [3] * 5
    assert archive.size == 1


async def test_a_long_session_begins_a_new_list_and_drops_the_old_one(
    members: list[Member], archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("archive.archived_sessions", "turns.stored_turn"):
        monkeypatch.setattr(f"modegate.adapters.claude_cli.{module}.MOST_BATCHES", 3)
    session = (await members[0].ask("0")).session
    for number in range(1, 9):
        answer = await members[number % 3].ask(str(number), session)
        assert answer.heard == [str(it) for it in range(number + 1)]
    key = TranscriptKey(project_key=archived_sessions.PROJECT, session_id=session)
    await until(lambda: len(list(keys(archive, session))) == 2)
    assert len(await archive.shared.list_subkeys(key)) == 1


def keys(archive: Archive, session: str) -> list[str]:
    return [key for key in archive._store if session in key]  # noqa: SLF001


# --- Kills ---


@pytest.mark.parametrize("moment", ["prompt", "word"])
async def test_half_a_turn_of_a_killed_gateway_is_nowhere(
    moment: str, fleet: Fleet, members: list[Member]
) -> None:
    home = members[0]
    session = (await home.ask("0")).session
    async with home.asked("HANG", session) as (_, events):
        if moment == "word":
            await first_word(events)
        await until(lambda: "HANG" in home.transcript(session).read_text())
        async with after_a_kill(fleet, home) as (again, other):
            assert (await again.ask("1", session)).heard == ["0", "1"]
            assert (await other.ask("2", session)).heard == ["0", "1", "2"]
            assert (await again.ask("3", session)).heard == ["0", "1", "2", "3"]


async def test_half_a_first_turn_of_a_killed_gateway_is_no_session(
    fleet: Fleet, members: list[Member]
) -> None:
    home = members[0]
    async with home.asked("HANG") as (session, events):
        await first_word(events)
        async with after_a_kill(fleet, home) as (again, other):
            for member in (again, other):
                with pytest.raises(SessionNotFoundError):
                    await member.ask("1", session.id)


class Killing(Store):
    """Lets a test look at what is there before and after a turn is acknowledged."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Any = None
        self.after: Any = None

    async def put(self, session: Session) -> None:
        if session.turns == 2 and self.before is not None:
            await self.before()
        await super().put(session)
        if session.turns == 2 and self.after is not None:
            await self.after()


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_a_turn_counts_from_its_acknowledgement_on(
    moment: str, tmp_path: Path, archive: Archive
) -> None:
    store = Killing()
    fleet = Fleet(tmp_path, make_remembering_claude(tmp_path), archive.shared, store=store)
    said = ["0", "1", "2"] if moment == "after" else ["0", "2"]
    checked = False
    async with fleet.member("home") as home:
        session = (await home.ask("0")).session

        async def killed() -> None:
            nonlocal checked
            async with after_a_kill(fleet, home) as (again, other):
                assert (await again.ask("2", session)).heard == said
                assert (await other.ask("3", session)).heard == [*said, "3"]
            checked = True

        setattr(store, moment, killed)
        async with home.asked("1", session) as (_, events):
            async for event in events:
                if isinstance(event, Finished):
                    assert checked, "the client has no answer that is not acknowledged"
    assert checked


async def first_word(events: AsyncIterator[AnswerEvent]) -> None:
    async for event in events:
        if isinstance(event, TextDelta):
            return


# --- Clients that leave ---


async def test_a_turn_that_its_client_left_is_undone_everywhere(members: list[Member]) -> None:
    home, other, *_ = members
    session = (await home.ask("0")).session
    async with home.asked("HANG", session) as (_, events):
        await first_word(events)
    assert (await home.ask("1", session)).heard == ["0", "1"]
    async with home.asked("HANG", session) as (_, events):
        await first_word(events)
    assert (await other.ask("2", session)).heard == ["0", "1", "2"]
    assert (await home.ask("3", session)).heard == ["0", "1", "2", "3"]


@pytest.mark.parametrize("oneshot", [False, True])
async def test_a_first_turn_that_its_client_left_moves_with_its_text_so_far(
    fleet: Fleet, *, oneshot: bool
) -> None:
    fleet = replace(fleet, options={"oneshot": oneshot})
    async with fleet.members(2) as (home, other):
        async with home.asked("HANG") as (session, events):
            await first_word(events)
        assert (await other.ask("1", session.id)).heard == ["HANG", "1"]
        assert (await home.ask("2", session.id)).heard == ["HANG", "1", "2"]


# --- Archives and stores that fail ---


def fail(archive: Archive, store: Store, what: str, *, fails: bool) -> None:
    if what == "archive":
        archive.fails = fails
    elif what == "slow archive":
        archive.hangs = fails
    elif what == "lost hold":
        store.fails = sessions.busy() if fails else None
    else:
        store.fails = storage_error(StorageFault.BUSY) if fails else None


@pytest.mark.parametrize("what", ["archive", "slow archive", "store", "lost hold"])
async def test_a_turn_that_cannot_be_stored_is_answered_and_goes_on_at_home(
    what: str,
    members: list[Member],
    fleet: Fleet,
    archive: Archive,
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    home, other, third, *_ = members
    session = (await home.ask("0")).session
    with monkeypatch.context() as patched:
        if what == "slow archive":
            patched.setattr(archived_sessions, "STORE_TIMEOUT_S", 0.1)
        fail(archive, store, what, fails=True)
        assert (await home.ask("1", session)).heard == ["0", "1"]
        assert (await home.ask("2", session)).heard == ["0", "1", "2"]
        fail(archive, store, what, fails=False)
    assert (await session_of(fleet, session)).turns == 1
    assert (await home.ask("3", session)).heard == ["0", "1", "2", "3"]
    assert (await other.ask("4", session)).heard == ["0", "1", "2", "3", "4"]
    fail(archive, store, "archive", fails=True)
    assert (await other.ask("5", session)).heard == ["0", "1", "2", "3", "4", "5"]
    fail(archive, store, "archive", fails=False)
    assert (await third.ask("6", session)).heard == ["0", "1", "2", "3", "4", "6"]
    assert (await other.ask("7", session)).heard == ["0", "1", "2", "3", "4", "6", "7"]


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_first_turn_that_cannot_be_stored_stays_at_home(
    members: list[Member], archive: Archive, *, streamed: bool
) -> None:
    home, other, *_ = members
    archive.fails = True
    session = (await home.ask("0", streamed=streamed)).session
    assert (await home.ask("1", session, streamed=streamed)).heard == ["0", "1"]
    archive.fails = False
    assert (await home.ask("2", session)).heard == ["0", "1", "2"]
    assert (await other.ask("3", session)).heard == ["0", "1", "2", "3"]


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_first_turn_that_could_not_be_stored_is_no_lost_session_elsewhere(
    members: list[Member], fleet: Fleet, archive: Archive, *, streamed: bool
) -> None:
    home, other, *_ = members
    archive.fails = True
    session = (await home.ask("0", streamed=streamed)).session
    late = StoreLateTurns(fleet.store, home.backend.late)
    for _ in range(2):
        with pytest.raises(StorageError) as caught:
            await other.ask("1", session)
        assert caught.value.is_repeatable
        assert await late.execute() == 0
    assert (await home.ask("1", session)).heard == ["0", "1"]
    archive.fails = False
    assert await late.execute() == 1
    assert (await other.ask("2", session)).heard == ["0", "1", "2"]
    assert await late.execute() == 0
    assert not home.backend.late.list_unstored()
    assert (await home.ask("3", session)).heard == ["0", "1", "2", "3"]


@pytest.mark.parametrize("what", ["archive", "store"])
async def test_turns_that_could_not_be_stored_move_once_they_can(
    what: str, members: list[Member], fleet: Fleet, archive: Archive, store: Store
) -> None:
    home, other, *_ = members
    moved, stays = (await home.ask("0")).session, (await home.ask("0")).session
    fail(archive, store, what, fails=True)
    for session in (moved, stays):
        assert (await home.ask("1", session)).heard == ["0", "1"]
    fail(archive, store, what, fails=False)
    assert (await other.ask("2", stays)).heard == ["0", "2"]
    late = StoreLateTurns(fleet.store, home.backend.late)
    assert await late.execute() == 1
    assert not home.backend.late.list_unstored() or await late.execute() == 0
    assert (await other.ask("2", moved)).heard == ["0", "1", "2"]
    assert (await other.ask("3", stays)).heard == ["0", "2", "3"]


@pytest.mark.parametrize("turns", [1, 2])
async def test_a_turn_that_is_to_be_stored_is_forgotten_nowhere(
    turns: int, fleet: Fleet, archive: Archive
) -> None:
    said = [str(it) for it in range(turns)]
    fleet.present = {"home", "other"}
    async with fleet.member("home") as home, fleet.member("other") as other:
        archive.fails = turns == 1
        session = (await home.ask("0")).session
        archive.fails = True
        for text in said[1:]:
            await home.ask(text, session)
        with pytest.raises(StorageError) as caught:
            await other.ask("lost", session)
        assert caught.value.is_repeatable
        async with fleet.member("home") as worker:  # on the same folder
            assert (await worker.ask("worker", session)).heard == [*said, "worker"]
        said.append("worker")
        with pytest.raises(StorageError):
            await other.ask("lost", session)
        # The first of them knows of its own turn alone; the worker has gone on.
        archive.fails = False
        assert (await home.ask("home", session)).heard == [*said, "home"]
        assert (await other.ask("other", session)).heard == [*said, "home", "other"]


async def test_a_gateway_that_was_started_again_has_its_unstored_turn(
    fleet: Fleet, archive: Archive
) -> None:
    fleet.present = {"home", "other"}
    async with fleet.member("other") as other:
        async with fleet.member("home") as home:
            session = (await home.ask("0")).session
            archive.fails = True
            await home.ask("1", session)
            archive.fails = False
        async with fleet.member("home") as home:
            assert (await home.ask("2", session)).heard == ["0", "1", "2"]
        assert (await other.ask("3", session)).heard == ["0", "1", "2", "3"]


async def test_a_turn_whose_gateway_has_ended_is_not_waited_for(
    fleet: Fleet, archive: Archive
) -> None:
    fleet.present = {"home", "other"}
    async with fleet.member("home") as home, fleet.member("other") as other:
        session = (await home.ask("0")).session
        await other.ask("1", session)
        archive.fails = True
        await home.ask("2", session)
        archive.fails = False
        with pytest.raises(StorageError):
            await other.ask("lost", session)
        fleet.present.remove("home")
        assert (await other.ask("3", session)).heard == ["0", "1", "3"]
        assert (await home.ask("4", session)).heard == ["0", "1", "3", "4"]


async def test_a_session_whose_record_could_not_be_stored_either_is_known_later(
    members: list[Member], fleet: Fleet, archive: Archive, store: Store
) -> None:
    home, other, *_ = members
    for what in ("archive", "store"):
        fail(archive, store, what, fails=True)
    session, deleted = [(await home.ask("0", streamed=False)).session for _ in range(2)]
    for what in ("archive", "store"):
        fail(archive, store, what, fails=False)
    assert await home.backend.delete(deleted)
    assert await StoreLateTurns(fleet.store, home.backend.late).execute() == 1
    assert (await other.ask("1", session)).heard == ["0", "1"]
    assert await fleet.store.get(deleted) is None


async def test_a_deleted_session_is_not_stored_late(
    members: list[Member], fleet: Fleet, archive: Archive
) -> None:
    home = members[0]
    archive.fails = True
    session = (await home.ask("0", streamed=False)).session
    archive.fails = False
    await fleet.store.remove(session)
    assert await StoreLateTurns(fleet.store, home.backend.late).execute() == 0
    assert not home.backend.late.list_unstored()
    assert await fleet.store.get(session) is None
    assert not archive.size


async def test_a_turn_that_is_not_settled_waits_to_be_stored(
    members: list[Member], fleet: Fleet, archive: Archive
) -> None:
    home, other, *_ = members
    archive.fails = True
    session = (await home.ask("0")).session
    archive.fails = False
    late = StoreLateTurns(fleet.store, home.backend.late)
    async with home.asked("HANG", session) as (_, events):
        await first_word(events)
        assert await late.execute() == 0
    await late.execute()  # the undone turn may or may not have left its mark
    assert (await home.ask("1", session)).heard == ["0", "1"]
    await late.execute()
    assert (await other.ask("2", session)).heard == ["0", "1", "2"]


async def test_the_archive_is_known_to_be_away_and_back(
    members: list[Member], archive: Archive
) -> None:
    backend, late = members[0].backend, members[0].backend.late
    assert late.archive_state() is ArchiveState.OK
    archive.fails = True
    await late.check_archive()
    assert late.archive_state() is ArchiveState.WARN
    archive.fails = False
    await late.check_archive()
    assert late.archive_state() is ArchiveState.OK
    assert not archive._store  # noqa: SLF001 - the check leaves nothing
    assert not await backend.list_ids(limit=10)


async def test_an_archive_that_is_away_delays_a_move_only(
    members: list[Member], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, other, *_ = members
    session = (await home.ask("0")).session

    async def away(_: Archive, __: TranscriptKey) -> list[Entry] | None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(Archive, "load", away)
        with pytest.raises(StorageError):
            await other.ask("1", session)
        assert (await home.ask("1", session)).heard == ["0", "1"]
    assert (await other.ask("2", session)).heard == ["0", "1", "2"]


async def test_a_damaged_transcript_is_never_half_used(
    members: list[Member], archive: Archive
) -> None:
    home, other, *_ = members
    session = (await home.ask("0")).session
    for key in keys(archive, session):
        archive._store[key] = archive._store[key][:-1]  # noqa: SLF001
    with pytest.raises(SessionNotFoundError):
        await other.ask("1", session)


async def test_a_changed_transcript_on_the_disk_is_replaced(members: list[Member]) -> None:
    home, other, *_ = members
    session = (await home.ask("0")).session
    await other.ask("1", session)
    path = other.transcript(session)
    path.write_text(path.read_text().replace('"0"', '"X"'))
    assert (await other.ask("2", session)).heard == ["0", "1", "2"]


# --- Ends of sessions ---


async def test_a_deleted_session_leaves_nothing_stored(
    members: list[Member], archive: Archive
) -> None:
    home, other, *_ = members
    session = (await home.ask("0")).session
    await other.ask("1", session)
    assert keys(archive, session)
    assert await other.backend.delete(session)
    assert not keys(archive, session)


async def test_expiry_deletes_what_is_stored_also_of_unknown_sessions(
    members: list[Member], fleet: Fleet, archive: Archive
) -> None:
    home, other, *_ = members
    expired = (await home.ask("0")).session
    unknown = (await home.ask("0")).session
    await fleet.store.remove(unknown)
    clock = FakeClock()
    expire = ExpireSessions(
        store=fleet.store,
        transcripts=other.backend,
        configuration=MemoryConfigurationSource(Configuration()),
        clock=clock,
    )
    assert await expire.execute() == 1
    assert not keys(archive, unknown)
    assert keys(archive, expired)
    clock.advance(100_000)
    assert await expire.execute() == 1
    assert not keys(archive, expired)


# --- Sessions without stored transcripts ---


async def test_without_an_archive_nothing_is_stored_and_later_it_can_be(
    tmp_path: Path, archive: Archive
) -> None:
    alone = Fleet(tmp_path, make_remembering_claude(tmp_path), None)
    async with alone.member("home") as home:
        session = (await home.ask("0")).session
        await home.ask("1", session)
        assert not (home.folder(session) / "stored.json").exists()
    assert (await session_of(alone, session)).turns == 2
    fleet = replace(alone, archive=archive.shared)
    async with fleet.member("home") as home, fleet.member("other") as other:
        assert (await home.ask("2", session)).heard == ["0", "1", "2"]
        assert (await other.ask("3", session)).heard == ["0", "1", "2", "3"]


async def test_a_transcript_is_readable_by_its_owner_only(members: list[Member]) -> None:
    home, other, *_ = members
    session = (await home.ask("0")).session
    async with other.asked("HANG", session) as (_, events), aclosing(cast("Any", events)):
        await first_word(events)
        assert other.transcript(session).stat().st_mode & 0o077 == 0
        lines = other.transcript(session).read_text().splitlines()
        assert [json.loads(it)["type"] for it in lines] == ["user", "assistant", "user"]
