"""Sessions whose last turn only one gateway has, because it could not be stored."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from modegate.adapters.memory.session_store import MemorySessionStore
from modegate.application.sessions import registry as registries
from modegate.application.sessions import unstored_marks
from modegate.application.sessions.acknowledgement import Acknowledgement
from modegate.application.sessions.manage import ManageSessions
from modegate.application.sessions.registry import SessionRegistry
from modegate.application.sessions.store_late import StoreLateTurns
from modegate.application.sessions.unstored_marks import UnstoredMarks
from modegate.domain.access.client import ClientId
from modegate.domain.errors import SessionNotFoundError, StorageError
from modegate.domain.session import Session, SessionId
from modegate.testing.awaited_calls import FakeAwaitedCalls
from modegate.testing.clock import FakeClock
from modegate.testing.configuration_source import FakeConfigurationSource
from modegate.testing.gateway_presence import FakeGatewayPresence
from modegate.testing.ids import FakeIds
from modegate.testing.late_transcripts import FakeLateTranscripts
from modegate.testing.transcript_store import FakeTranscriptStore

ADA = ClientId("ada")
ID = SessionId("3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11")


class ScriptedClock(FakeClock):
    """Does something when so many seconds have been slept."""

    def __init__(self) -> None:
        super().__init__()
        self.begun_at = self.now()
        self.script: dict[float, Callable[[], None]] = {}

    @property
    def passed(self) -> float:
        return self.now() - self.begun_at

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        for at in [it for it in self.script if it <= self.passed]:
            self.script.pop(at)()


class World:
    """The home gateway and another one, with a session that has had a stored turn."""

    def __init__(self) -> None:
        self.clock = ScriptedClock()
        self.store = MemorySessionStore()
        now = self.clock.now()
        self.session = replace(Session.start(ID, ADA, now), turns=1, transcript="v1")
        self.at_home, self.elsewhere = FakeLateTranscripts(), FakeLateTranscripts()
        self.presence = FakeGatewayPresence("other", {"home", "other"})
        self.home = self._registry(self.at_home, FakeGatewayPresence("home", {"home", "other"}))
        self.other = self._registry(self.elsewhere, self.presence)

    def _registry(
        self, late: FakeLateTranscripts, presence: FakeGatewayPresence
    ) -> SessionRegistry:
        return SessionRegistry(
            store=self.store,
            transcripts=FakeTranscriptStore(),
            configuration=FakeConfigurationSource(),
            clock=self.clock,
            ids=FakeIds(),
            marks=UnstoredMarks(late, presence, self.clock),
        )

    async def answer(self, turn: str, *, session: Session | None = None) -> None:
        """Answers a turn at home that could not be stored."""
        session = session or self.session
        assert await Acknowledgement(self.home, session).stored("cli", None, turn)
        self.at_home.turns = {turn}
        self.at_home.unstored = {ID: session.transcript}

    async def store_late(self) -> None:
        assert await StoreLateTurns(self.store, self.at_home).execute() == 1

    async def record(self) -> Session:
        found = await self.store.get(ID)
        assert found is not None
        return found


@pytest.fixture
def world() -> World:
    return World()


async def test_a_turn_that_is_to_be_stored_later_is_marked_until_it_is(world: World) -> None:
    await world.answer("late")
    record = await world.record()
    assert (record.unstored, record.home) == ("late", "home")
    assert (record.turns, record.transcript) == (1, "v1")
    stored = record.stored_late("cli", "v2")
    assert (stored.unstored, stored.home, stored.turns) == ("", "", 2)


async def test_a_first_turn_is_marked_as_well(world: World) -> None:
    await world.answer("late", session=Session.start(ID, ADA, world.clock.now()))
    record = await world.record()
    assert (record.unstored, record.turns, record.transcript) == ("late", 1, "")
    with pytest.raises(StorageError):
        async with world.other.resume(ID, ADA):
            pass


async def test_a_turn_that_never_will_be_stored_leaves_no_mark(world: World) -> None:
    await world.answer("late")
    await world.answer("", session=await world.record())
    assert (await world.record()).unstored == ""


async def test_a_turn_that_is_left_out_keeps_the_mark_of_the_one_before(world: World) -> None:
    await world.answer("late")
    record = await world.record()
    assert await Acknowledgement(world.home, record).stored(None, None)
    assert (await world.record()).unstored == "late"


async def test_a_stored_turn_ends_the_mark(world: World) -> None:
    await world.answer("late")
    acknowledgement = Acknowledgement(world.home, await world.record())
    assert await acknowledgement.stored("cli", "v2")
    await acknowledgement.ended("cli", "digest")
    record = await world.record()
    assert (record.unstored, record.home, record.transcript) == ("", "", "v2")


@pytest.mark.parametrize("turns", [0, 1])
@pytest.mark.parametrize("cli_session_id", ["cli", None])
async def test_a_second_attempt_that_is_not_stored_keeps_the_first(
    cli_session_id: str | None, turns: int, world: World
) -> None:
    session = replace(world.session, turns=turns, transcript="v1" if turns else "")
    acknowledgement = Acknowledgement(world.home, session)
    assert await acknowledgement.stored("cli", "v2")
    assert await acknowledgement.stored(cli_session_id, None, "late" if cli_session_id else "")
    await acknowledgement.ended("cli", "digest")
    record = await world.record()
    assert (record.turns, record.transcript, record.said) == (turns + 1, "v2", "")
    assert record.unstored == ("late" if cli_session_id else "")


async def test_the_home_gateway_goes_on_at_once_and_keeps_the_mark(world: World) -> None:
    await world.answer("late")
    async with world.home.resume(ID, ADA) as session:
        assert (session.unstored, world.clock.passed) == ("late", 0.0)


async def test_another_gateway_gets_an_error_that_may_be_repeated(world: World) -> None:
    await world.answer("late")
    with pytest.raises(StorageError) as caught:
        async with world.other.resume(ID, ADA):
            pass
    assert caught.value.is_repeatable
    assert caught.value.retry_after
    assert world.clock.passed == pytest.approx(registries.UNSTORED_PATIENCE_S, abs=0.2)
    assert (await world.record()).unstored == "late"


async def test_another_gateway_waits_until_the_turn_is_stored(world: World) -> None:
    await world.answer("late")
    storing: list[asyncio.Task[None]] = []
    world.clock.script[1.0] = lambda: storing.append(asyncio.create_task(world.store_late()))
    async with world.other.resume(ID, ADA) as session:
        assert (session.transcript, session.unstored) == ("late", "")
    assert storing
    assert world.clock.passed < registries.UNSTORED_PATIENCE_S


async def test_the_lock_of_the_late_storing_is_waited_for(world: World) -> None:
    await world.answer("late")
    stored, released = asyncio.Event(), asyncio.Event()

    async def store_slowly() -> None:
        async with world.store.hold(ID):
            await world.store.put((await world.record()).stored_late("cli", "v2"))
            stored.set()
            await released.wait()

    storing: list[asyncio.Task[None]] = []
    world.clock.script[0.1] = lambda: storing.append(asyncio.create_task(store_slowly()))
    world.clock.script[1.0] = released.set
    async with world.other.resume(ID, ADA) as session:
        assert session.transcript == "v2"
    assert stored.is_set()


@pytest.mark.parametrize("why", ["the gateway has ended", "the mark is old"])
async def test_a_session_goes_on_without_a_turn_that_will_not_come(why: str, world: World) -> None:
    await world.answer("late")
    if why == "the mark is old":
        world.clock.advance(unstored_marks.LONGEST_WAIT_S)
    else:
        world.presence.present.remove("home")
    begun = world.clock.now()
    async with world.other.resume(ID, ADA) as session:
        assert (session.transcript, session.unstored, session.home) == ("v1", "", "")
    assert world.clock.now() == begun
    assert world.elsewhere.given_up == ["late"]


async def test_a_session_that_is_deleted_meanwhile_is_unknown(world: World) -> None:
    await world.answer("late")
    removing: list[asyncio.Task[None]] = []
    world.clock.script[1.0] = lambda: removing.append(asyncio.create_task(world.store.remove(ID)))
    with pytest.raises(SessionNotFoundError):
        async with world.other.resume(ID, ADA):
            pass
    assert removing


async def test_a_marked_session_can_be_deleted_anywhere(world: World) -> None:
    await world.answer("late")
    manage = ManageSessions(
        sessions=world.other, transcripts=FakeTranscriptStore(), calls=FakeAwaitedCalls()
    )
    await manage.end(ID, ADA)
    assert await world.store.get(ID) is None
    assert world.clock.passed == 0.0


async def test_without_other_gateways_nothing_is_marked(world: World) -> None:
    alone = replace(world.home, marks=None)
    assert await Acknowledgement(alone, world.session).stored("cli", None, "late")
    assert (await world.record()).unstored == ""
