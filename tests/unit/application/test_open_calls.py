"""Open calls that other gateways know of, and parked turns whose sessions went on there."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from modegate.adapters.memory.configuration_source import MemoryConfigurationSource
from modegate.adapters.memory.session_store import MemorySessionStore
from modegate.application.sessions.end_moved import EndMovedTurns
from modegate.application.sessions.open_calls import OpenCalls
from modegate.application.sessions.registry import SessionRegistry
from modegate.application.sessions.results_session import ResultsSession
from modegate.domain.access.client import ClientId
from modegate.domain.answer.events import ToolCallStarted
from modegate.domain.answer.heard import HeardAnswer
from modegate.domain.configuration import Configuration
from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.message import Message, Role
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.errors import InvalidRequestError
from modegate.domain.errors.catalogue import storage
from modegate.domain.session import Session, SessionId
from modegate.domain.tools.client_tool import ClientTool, ToolOffer
from modegate.domain.turn import Turn
from modegate.testing.awaited_calls import FakeAwaitedCalls
from modegate.testing.clock import FakeClock
from modegate.testing.ids import FakeIds
from modegate.testing.transcript_store import FakeTranscriptStore

ADA = ClientId("ada")
ID = SessionId("3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11")
SESSION = Session.start(ID, ADA, 0.0)
OFFER = ToolOffer((ClientTool("look_up"),))
RESULTS = (Message(Role.TOOL, call_id="c"),)
CONFIGURATION = MemoryConfigurationSource(Configuration())


class Locations:
    """Knows sessions by their clients and calls; fails while it is away."""

    def __init__(self) -> None:
        self.known: dict[tuple[ClientId, str], SessionId] = {}
        self.asked = 0
        self.is_away = False

    async def find(self, client: ClientId, call_ids: Collection[str]) -> SessionId | None:
        self._ask()
        return next((self.known[client, it] for it in call_ids if (client, it) in self.known), None)

    async def move(
        self,
        session: Session,
        answered: Collection[str],
        opened: Collection[str],
        lifetime_s: float,
    ) -> None:
        self._ask()
        assert lifetime_s > 0
        for it in answered:
            del self.known[session.client, it]
        for it in opened:
            self.known[session.client, it] = session.id

    def _ask(self) -> None:
        self.asked += 1
        if self.is_away:
            raise storage.store_away()


@pytest.fixture
def locations() -> Locations:
    return Locations()


def heard(*call_ids: str) -> HeardAnswer:
    answer = HeardAnswer()
    for index, call_id in enumerate(call_ids):
        answer.note(ToolCallStarted(index, call_id, "look_up"))
    return answer


def turn(*results: Message, tools: ToolOffer | None = OFFER) -> Turn:
    prompt = replace(Prompt.of_text("Hi"), turn=results) if results else Prompt.of_text("Hi")
    return Turn(cli_model="sonnet", prompt=prompt, session=SESSION, tools=tools)


async def test_calls_are_known_until_their_results_are_answered(locations: Locations) -> None:
    calls = OpenCalls(locations, CONFIGURATION)
    await calls.note(turn(), heard("c"))
    assert locations.known == {(ADA, "c"): ID}
    await calls.note(turn(*RESULTS), heard("d"))
    assert locations.known == {(ADA, "d"): ID}


async def test_a_turn_without_calls_and_results_asks_no_store(locations: Locations) -> None:
    await OpenCalls(locations, CONFIGURATION).note(turn(), heard())
    await OpenCalls(locations, CONFIGURATION).note(turn(tools=None), heard())
    await OpenCalls(None, CONFIGURATION).note(turn(), heard("c"))
    assert locations.asked == 0


async def test_an_answer_does_not_fail_with_the_store(locations: Locations) -> None:
    locations.is_away = True
    await OpenCalls(locations, CONFIGURATION).note(turn(), heard("c"))
    assert locations.asked == 1


@pytest.mark.parametrize("state", ["waits", "no longer waits", "away", "another client", "expired"])
async def test_results_find_a_session_that_still_waits_for_them(
    locations: Locations, state: str
) -> None:
    store, calls = MemorySessionStore(), FakeAwaitedCalls()
    registry = SessionRegistry(
        store=store,
        transcripts=FakeTranscriptStore(),
        configuration=CONFIGURATION,
        clock=FakeClock(),
        ids=FakeIds(),
    )
    if state != "expired":
        await store.put(
            replace(SESSION, created_at=registry.clock.now(), used_at=registry.clock.now())
        )
    locations.known[ADA, "c"] = ID
    locations.is_away = state == "away"
    client = ClientId("bob") if state == "another client" else ADA

    class Elsewhere(FakeAwaitedCalls):
        """Has no parked turn itself."""

        def find(self, client: ClientId, call_ids: Collection[str]) -> SessionId | None:
            del client, call_ids
            return None

        async def awaits(self, session: Session, call_ids: Collection[str]) -> bool:
            return session.id == ID and "c" in call_ids and state == "waits"

    calls = Elsewhere()
    finding = ResultsSession(sessions=registry, calls=calls, locations=locations)
    asked = finding.find(None, client, Conversation(RESULTS))
    if state == "waits":
        assert await asked == ID
        return
    with pytest.raises(InvalidRequestError):  # the request lacks the calls
        await asked


async def test_parked_turns_of_sessions_that_went_on_elsewhere_are_ended() -> None:
    store, calls = MemorySessionStore(), FakeAwaitedCalls()
    ending = EndMovedTurns(store, calls)
    assert await ending.execute() == 0
    moved, gone, stays = (SessionId(it) for it in ("moved", "gone", "stays"))
    calls.awaited = {it: (ADA, frozenset({"c"})) for it in (moved, gone, stays)}
    await store.put(replace(SESSION, id=moved, transcript="another"))
    await store.put(replace(SESSION, id=stays))
    assert await ending.execute() == 2
    assert [*calls.awaited] == [stays]


async def test_no_turn_is_ended_while_the_store_is_away() -> None:
    class Away(MemorySessionStore):
        async def get(self, session_id: SessionId) -> Session | None:
            del session_id
            raise storage.store_away()

    calls = FakeAwaitedCalls()
    calls.awaited = {ID: (ADA, frozenset({"c"}))}
    assert await EndMovedTurns(Away(), calls).execute() == 0
    assert calls.is_parked(ID)
