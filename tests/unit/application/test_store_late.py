"""Turns that could not be stored when they were answered."""

from dataclasses import replace

import pytest

from modegate.adapters.memory.session_store import MemorySessionStore
from modegate.application.sessions.acknowledgement import Acknowledgement
from modegate.application.sessions.registry import SessionRegistry
from modegate.application.sessions.store_late import StoreLateTurns
from modegate.domain.access.client import ClientId
from modegate.domain.errors import SessionNotFoundError
from modegate.domain.errors.catalogue import sessions, storage
from modegate.domain.health import ArchiveState
from modegate.domain.session import Session, SessionId
from modegate.entrypoints.bootstrap import archive_sync
from modegate.testing.clock import FakeClock
from modegate.testing.configuration_source import FakeConfigurationSource
from modegate.testing.ids import FakeIds
from modegate.testing.late_transcripts import FakeLateTranscripts
from modegate.testing.transcript_store import FakeTranscriptStore

ADA = ClientId("ada")
ID = SessionId("3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11")
SESSION = Session.start(ID, ADA, 0.0)
OTHER = SessionId("other")
NOW = FakeClock().now()


def registry_of(store: MemorySessionStore) -> SessionRegistry:
    return SessionRegistry(
        store=store,
        transcripts=FakeTranscriptStore(),
        configuration=FakeConfigurationSource(),
        clock=FakeClock(),
        ids=FakeIds(),
    )


async def test_sessions_in_use_are_passed_over() -> None:
    store, transcripts = MemorySessionStore(), FakeLateTranscripts()
    await store.put(SESSION)
    await store.put(replace(SESSION, id=OTHER))
    transcripts.unstored = {ID: "", OTHER: ""}
    async with store.hold(ID):
        assert await StoreLateTurns(store, transcripts).execute() == 1
    found = [await store.get(it) for it in (ID, OTHER)]
    assert [it and it.transcript for it in found] == ["", "late"]


async def test_the_first_that_fails_ends_the_look() -> None:
    store, transcripts = MemorySessionStore(), FakeLateTranscripts()
    await store.put(SESSION)
    transcripts.unstored = {ID: ""}
    transcripts.fails = storage.archive_failed()
    assert await StoreLateTurns(store, transcripts).execute() == 0
    assert transcripts.list_unstored() == [ID]


async def test_a_first_turn_counts_although_it_is_not_stored() -> None:
    store = MemorySessionStore()
    acknowledgement = Acknowledgement(registry_of(store), SESSION)
    assert await acknowledgement.stored("cli", None)
    record = await store.get(ID)
    assert record is not None
    assert (record.turns, record.transcript, record.cli_session_id) == (1, "", "cli")
    late = record.stored_late("cli", "v1")
    assert (late.turns, late.transcript) == (1, "v1")
    assert late.stored_late("cli", "v2").turns == 2


@pytest.mark.parametrize("turns", [0, 1])
async def test_a_lost_conversation_removes_no_record_of_a_first_turn(turns: int) -> None:
    store = MemorySessionStore()
    await store.put(replace(SESSION, turns=turns, used_at=NOW, created_at=NOW))
    with pytest.raises(SessionNotFoundError):
        async with registry_of(store).resume(ID, ADA):
            raise sessions.conversation_lost()
    assert (await store.get(ID) is None) == (turns > 0)


class Probe:
    """An archive in a given state."""

    def __init__(self) -> None:
        self.state = self.found = ArchiveState.OK
        self.checks = 0

    def archive_state(self) -> ArchiveState:
        return self.state

    async def check_archive(self) -> None:
        self.checks += 1
        self.state = self.found


async def test_an_archive_that_is_away_is_checked_at_each_look() -> None:
    store, transcripts, probe = MemorySessionStore(), FakeLateTranscripts(), Probe()
    await store.put(SESSION)
    transcripts.unstored = {ID: ""}
    sync = archive_sync.ArchiveSync(probe, StoreLateTurns(store, transcripts))
    probe.found = ArchiveState.WARN
    for checks in (1, 2):
        await sync.look()
        assert (probe.checks, transcripts.list_unstored()) == (checks, [ID])
    probe.found = ArchiveState.OK
    await sync.look()
    await sync.look()
    assert probe.checks == 3
    assert not transcripts.list_unstored()
