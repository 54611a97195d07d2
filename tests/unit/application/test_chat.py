"""The chat use cases with a scripted backend."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from support.fetching import FakeFetcher
from support.idle_claude import IdleClaude

from modegate.adapters.cryptography.sealer import AesGcmSealer
from modegate.adapters.memory.admission_limiter import MemoryAdmissionLimiter
from modegate.adapters.memory.budget_ledger import MemoryBudgetLedger
from modegate.adapters.memory.credential_store import MemoryCredentialStore
from modegate.adapters.memory.response_store import MemoryResponseStore
from modegate.adapters.memory.session_store import MemorySessionStore
from modegate.application.answering import prepare_turn
from modegate.application.answering.admission import Admission
from modegate.application.answering.answer_request import AnswerRequest
from modegate.application.answering.fetch_images import FetchImages
from modegate.application.answering.generate_answer import GenerateAnswer
from modegate.application.answering.kept_responses import KeptResponses
from modegate.application.answering.prepare_turn import PrepareTurn
from modegate.application.answering.routed_answer import (
    CompleteAnswer,
    RelayedAnswer,
    RoutedAnswer,
    StreamedAnswer,
)
from modegate.application.answering.sealed_thoughts import SealedThoughts
from modegate.application.answering.translate_answer import TranslateAnswer
from modegate.application.budgets.reserve import ReserveBudget
from modegate.application.credentials.attempts import Attempts
from modegate.application.credentials.claude import ClaudeCredential
from modegate.application.credentials.pools import CredentialPools
from modegate.application.credentials.states import CredentialStates
from modegate.application.relay_request import RelayRequest
from modegate.application.sessions.open_calls import OpenCalls
from modegate.application.sessions.registry import SessionRegistry
from modegate.application.sessions.results_session import ResultsSession
from modegate.application.usage.asking_for_usage import AskingForUsage
from modegate.application.usage.metering import Metering
from modegate.application.usage.pricing import Pricing
from modegate.domain.access.api_key import ApiKey
from modegate.domain.access.client import ANONYMOUS, Client, ClientId
from modegate.domain.access.client_key import DigestKey
from modegate.domain.access.key_rules import KeyRules
from modegate.domain.answer.events import FinishReason, Started, TextDelta
from modegate.domain.answer.fold import Completion
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.credentials.credential import CLIENTS_OWN, Credential
from modegate.domain.dialect_name import DialectName
from modegate.domain.errors import (
    BackendCrashedError,
    BackendFailedError,
    GatewayError,
    InvalidHeaderError,
    InvalidRequestError,
    InvalidSessionIdError,
    MissingParameterError,
    ModelNotAllowedError,
    ModelNotFoundError,
    ModeNotAllowedError,
    PassthroughDisabledError,
    PassthroughNotConfiguredError,
    RateLimitError,
    RequestError,
    SessionBusyError,
    SessionNotFoundError,
    StorageError,
    UnsupportedParameterError,
)
from modegate.domain.inbound_request import ChatBody, InboundRequest, InProcess
from modegate.domain.parameters.param_policy import WITHOUT_CLIENT_TOOLS, Effort, ParamPolicy
from modegate.domain.parameters.turn_setting import TurnSetting
from modegate.domain.quota import Limit
from modegate.domain.routing.mode import UNDECIDED, Mode, ModeDecision, ModeDefaults
from modegate.domain.routing.route import Routes
from modegate.domain.routing.upstream import Upstream
from modegate.domain.session import Session, SessionId, SessionPolicy
from modegate.domain.turn import Turn
from modegate.domain.upstream_response import UpstreamResponse
from modegate.testing.answer_backend import USAGE, ScriptedBackend, says
from modegate.testing.awaited_calls import FakeAwaitedCalls
from modegate.testing.clock import FakeClock
from modegate.testing.configuration_source import FakeConfigurationSource
from modegate.testing.contracts.budget_ledger import KnownHistory
from modegate.testing.ids import FakeIds
from modegate.testing.price_source import FakePriceSource
from modegate.testing.relay_backend import RESPONSE, ScriptedRelay
from modegate.testing.transcript_store import FakeTranscriptStore
from modegate.testing.upstreams import CREDENTIAL, UPSTREAM

FIRST = SessionId("00000000-0000-4000-8000-000000000001")
UNKNOWN = "3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11"
PARAMS: dict[str, object] = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hi"}]}
RESULTS = [{"role": "tool", "tool_call_id": "c", "content": "blue"}]


class World:
    """The chat use cases wired to fakes."""

    def __init__(
        self,
        *,
        clients_may_bring_keys: bool = True,
        upstreams: tuple[Upstream, ...] = (UPSTREAM,),
        turns: int = 10,
        store: MemorySessionStore | None = None,
        parameters: ParamPolicy | None = None,
        modes: ModeDefaults | None = None,
    ) -> None:
        self.clock = FakeClock(1000.5)
        self.store = store or MemorySessionStore()
        self.backend = ScriptedBackend()
        self.relay = ScriptedRelay()
        configuration = FakeConfigurationSource(
            sessions=SessionPolicy(idle=60),
            per_session=Limit("session", turns, 60),
            routes=Routes(upstreams=upstreams, clients_may_bring_keys=clients_may_bring_keys),
            parameters=parameters or ParamPolicy(),
            modes=modes or ModeDefaults(),
        )
        limiter = MemoryAdmissionLimiter()
        self.sessions = SessionRegistry(
            store=self.store,
            transcripts=FakeTranscriptStore(),
            configuration=configuration,
            clock=self.clock,
            ids=FakeIds(),
        )
        states = CredentialStates(MemoryCredentialStore())
        pools = CredentialPools(configuration, states, self.clock)
        attempts = Attempts(self.relay, pools, total_s=300)
        self.prices = FakePriceSource()
        pricing = Pricing(self.prices, self.clock)
        metering = Metering(pricing)
        self.budgets = ReserveBudget(MemoryBudgetLedger(KnownHistory()), pricing, self.clock)
        asking = AskingForUsage(attempts)
        responses = KeptResponses(MemoryResponseStore(self.clock))
        self.answer_request = AnswerRequest(
            configuration=configuration,
            admission=Admission(
                configuration=configuration,
                limiter=limiter,
                clock=self.clock,
            ),
            relay=RelayRequest(asking, metering),
            translate=TranslateAnswer(
                asking=asking,
                metering=metering,
                budgets=self.budgets,
                responses=responses,
                thoughts=SealedThoughts(AesGcmSealer(self.secret)),
                clock=self.clock,
                ids=FakeIds(),
            ),
            generate=GenerateAnswer(
                prepare=PrepareTurn(
                    sessions=self.sessions,
                    clock=self.clock,
                    ids=FakeIds(),
                    limiter=limiter,
                    responses=responses,
                    fetch_images=FetchImages(FakeFetcher()),
                    results=ResultsSession(sessions=self.sessions, calls=FakeAwaitedCalls()),
                ),
                backend=self.backend,
                sessions=self.sessions,
                credential=ClaudeCredential(states, IdleClaude(), self.clock),
                metering=metering,
                budgets=self.budgets,
                calls=OpenCalls(None, configuration),
            ),
            metering=metering,
            budgets=self.budgets,
        )
        self.states = states

    async def secret(self) -> DigestKey:
        return DigestKey(bytes(32))

    async def complete(self, request: InboundRequest) -> RoutedAnswer:
        """Returns the answer after all its resources are released."""
        async with self.answer_request.execute(request) as answer:
            return answer

    @asynccontextmanager
    async def stream(self, request: InboundRequest) -> AsyncIterator[StreamedAnswer]:
        async with self.answer_request.execute(request) as answer:
            assert isinstance(answer, StreamedAnswer)
            yield answer

    async def turn(self, request: InboundRequest) -> Turn:
        """Returns the turn that the backend received."""
        await self.complete(request)
        return self.backend.turns[-1]


@pytest.fixture
def world() -> World:
    return World()


def claude(session_id: str | None = None, client: str = "me", **params: object) -> InboundRequest:
    request = InboundRequest.of(PARAMS | params, Mode.CLAUDE_CODE, session_id)
    return replace(request, entry=InProcess(Client(ClientId(client), "-", client)))


def streamed(session_id: str | None = None, **params: object) -> InboundRequest:
    return claude(session_id, "me", stream=True, **params)


def passthrough(
    body: bytes = b"{}", *, key: str | None = None, params: dict[str, object] | None = None
) -> InboundRequest:
    async def read() -> ChatBody:
        return ChatBody(body, params or {})

    return InboundRequest(decision=ModeDecision(Mode.PASSTHROUGH), read=read, upstream_key=key)


async def test_a_claude_request_maps_to_a_turn_and_an_answer_frame(world: World) -> None:
    answer = await world.complete(
        claude(
            temperature=1,
            reasoning_effort="high",
            max_completion_tokens=7,
            stop="END",
            stream_options={"include_usage": True},
            messages=[
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "Hi"},
            ],
        )
    )
    (turn,) = world.backend.turns
    assert isinstance(answer, CompleteAnswer)
    frame = answer.frame
    assert (frame.completion_id, frame.created) == ("chatcmpl-1", 1000)
    assert (frame.model, turn.cli_model) == ("gpt-4", "opus")
    assert (frame.session_id, frame.new_session) == (FIRST, True)
    assert turn.prompt == Prompt.of_text("Hi", "Be brief.")
    assert (turn.session.id, turn.session.client, turn.resume) == (FIRST, "me", False)
    assert (turn.effort, frame.ignored) == (Effort.HIGH, ("temperature",))
    assert (turn.max_tokens, turn.stop) == (7, ("END",))
    settings = (TurnSetting.MAX_TOKENS, TurnSetting.EFFORT)
    ignored = frame.without(settings).ignored
    assert ignored == ("temperature", "max_completion_tokens", "reasoning_effort")
    assert frame.include_usage
    assert not turn.streamed


async def test_a_complete_answer_is_recorded_and_its_session_stored(world: World) -> None:
    request = claude()
    answer = await world.complete(request)
    assert isinstance(answer, CompleteAnswer)
    assert answer.completion == Completion("Hello there.", FinishReason.STOP, USAGE)
    record = request.record
    assert (record.mode, record.model, record.session) == ("claude-code", "gpt-4", FIRST)
    assert record.usage == USAGE
    session = await world.store.get(FIRST)
    assert session is not None
    assert session.client == "me"


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (claude(model=None), MissingParameterError),
        (claude(model=3), InvalidRequestError),
        (claude(model=""), InvalidRequestError),
        (claude(model="x" * 257), InvalidRequestError),
        (claude(model="o1"), ModelNotFoundError),
        (claude(messages=None), MissingParameterError),
        (claude(messages=[]), InvalidRequestError),
        (claude(tools=[{"type": "function"}]), MissingParameterError),
        (claude(n=2), UnsupportedParameterError),
        (claude(stream="yes"), InvalidRequestError),
        (claude(stream_options=[]), InvalidRequestError),
        (claude(stream_options=True), InvalidRequestError),
        (claude(stream_options={"include_usage": "yes"}), InvalidRequestError),
        (claude("nonsense"), InvalidSessionIdError),
        (claude(UNKNOWN), SessionNotFoundError),
        (passthrough(params={"model": "x" * 257}), InvalidRequestError),
        (passthrough(params={"model": ""}), InvalidRequestError),
        (passthrough(key="ü"), InvalidHeaderError),
    ],
)
async def test_rejected_requests_reach_no_backend_and_create_no_session(
    world: World, request_: InboundRequest, error: type[RequestError]
) -> None:
    with pytest.raises(error):
        await world.complete(request_)
    assert world.backend.turns == []
    assert world.relay.requests == []
    assert await world.store.get(FIRST) is None


def undecided(client: Client = ANONYMOUS, **params: object) -> InboundRequest:
    request = InboundRequest.of(PARAMS | params, Mode.PASSTHROUGH)
    return replace(request, decision=UNDECIDED, entry=InProcess(client))


def client_of(**rules: Any) -> Client:
    return Client(ClientId("me"), "-", "me", KeyRules(**rules))


@pytest.mark.parametrize(
    ("modes", "client", "model", "mode"),
    [
        (ModeDefaults(), ANONYMOUS, "gpt-4", Mode.PASSTHROUGH),
        (ModeDefaults(), ANONYMOUS, "claude-code/gpt-4", Mode.CLAUDE_CODE),
        (ModeDefaults(), client_of(mode="claude-code"), "gpt-4", Mode.CLAUDE_CODE),
        (ModeDefaults(Mode.CLAUDE_CODE), ANONYMOUS, "gpt-4", Mode.CLAUDE_CODE),
        (
            ModeDefaults(Mode.CLAUDE_CODE),
            client_of(mode="openai-passthrough"),
            "gpt-4",
            Mode.PASSTHROUGH,
        ),
    ],
)
async def test_a_request_without_headers_goes_where_model_key_or_default_say(
    modes: ModeDefaults, client: Client, model: str, mode: Mode
) -> None:
    world = World(modes=modes)
    request = undecided(client, model=model)
    await world.complete(request)
    assert request.record.mode == mode
    assert request.record.model == model
    assert len(world.backend.turns) == (mode is Mode.CLAUDE_CODE)
    assert len(world.relay.requests) == (mode is Mode.PASSTHROUGH)


async def test_a_key_may_name_models_with_and_without_the_prefix(world: World) -> None:
    for models in (("gpt-4",), ("claude-code/gpt-4",), ("claude-code/*",)):
        answer = await world.complete(
            undecided(client_of(models=models), model="claude-code/gpt-4")
        )
        assert isinstance(answer, CompleteAnswer)
        assert answer.frame.model == "claude-code/gpt-4"
        assert world.backend.turns[-1].cli_model == "opus"
    with pytest.raises(ModelNotAllowedError):
        await world.complete(undecided(client_of(models=("opus",)), model="claude-code/gpt-4"))


@pytest.mark.parametrize(
    ("modes", "model"),
    [(("openai-passthrough",), "claude-code/gpt-4"), (("claude-code",), "gpt-4")],
)
async def test_no_model_and_no_default_leads_to_a_mode_that_the_key_may_not_use(
    world: World, modes: tuple[str, ...], model: str
) -> None:
    with pytest.raises(ModeNotAllowedError):
        await world.complete(undecided(client_of(modes=modes), model=model))
    assert (world.backend.turns, world.relay.requests) == ([], [])


async def test_a_header_keeps_the_prefix_in_the_name_of_an_upstreams_model(world: World) -> None:
    request = passthrough(params={"model": "claude-code/gpt-4"})
    await world.complete(request)
    assert (request.record.mode, request.record.model) == (
        "openai-passthrough",
        "claude-code/gpt-4",
    )


DIALECT_TOOLS: list[tuple[DialectName, dict[str, object], dict[str, object]]] = [
    (
        DialectName.CHAT,
        {"type": "function", "function": {"name": "get"}},
        {"messages": [{"role": "user", "content": "Hi"}]},
    ),
    (
        DialectName.MESSAGES,
        {"name": "get", "input_schema": {"type": "object"}},
        {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9},
    ),
    (DialectName.RESPONSES, {"type": "function", "name": "get"}, {"input": "Hi"}),
]


@pytest.mark.parametrize(("dialect", "tool", "asked"), DIALECT_TOOLS)
async def test_the_tools_of_each_dialect_reach_the_turn_unless_the_operator_rejects_them(
    world: World, dialect: DialectName, tool: dict[str, object], asked: dict[str, object]
) -> None:
    params = {"model": "sonnet", **asked, "tools": [tool]}
    request = replace(InboundRequest.of(params, Mode.CLAUDE_CODE), dialect=dialect)
    offer = (await world.turn(request)).tools
    assert offer is not None
    assert [it.name for it in offer.tools] == ["get"]
    rejecting = World(parameters=ParamPolicy(WITHOUT_CLIENT_TOOLS))
    with pytest.raises(UnsupportedParameterError) as caught:
        await rejecting.complete(request)
    assert caught.value.param == "tools"
    assert rejecting.backend.turns == []


@pytest.mark.parametrize(
    ("params", "choices"),
    [
        ({}, 1),
        ({"n": 3}, 3),
        ({"n": 3.0}, 3),
        *(({"n": wrong}, 1) for wrong in ("x", 0, -1, 1.5, True, None)),
        ({"model": 3}, 1),
    ],
)
async def test_passthrough_relays_any_body_unchanged_and_counts_its_choices(
    world: World, params: dict[str, object], choices: int
) -> None:
    await world.complete(passthrough(b"as it came", params=params))
    assert [(it.body, it.choices) for it in world.relay.requests] == [(b"as it came", choices)]


async def test_a_client_supplied_upstream_key_is_used_only_if_allowed() -> None:
    allowed, forbidden = World(), World(clients_may_bring_keys=False)
    for world in (allowed, forbidden):
        await world.complete(passthrough(key="sk-mine" if world is allowed else "ü"))
    assert allowed.relay.credentials == [Credential(CLIENTS_OWN, ApiKey("sk-mine"))]
    assert forbidden.relay.credentials == [CREDENTIAL]
    assert [it.upstream for it in allowed.relay.requests] == [UPSTREAM]


@pytest.mark.parametrize(
    ("upstreams", "error"),
    [
        ((), PassthroughDisabledError),
        ((replace(UPSTREAM, credentials=()),), PassthroughNotConfiguredError),
    ],
)
async def test_a_request_without_a_route_reaches_no_backend_but_is_recorded(
    upstreams: tuple[Upstream, ...], error: type[GatewayError]
) -> None:
    world = World(upstreams=upstreams)
    request = passthrough(params={"model": "gpt-9"})
    with pytest.raises(error):
        await world.complete(request)
    assert world.relay.requests == []
    assert request.record.model == "gpt-9"


async def test_the_length_of_a_model_is_checked_before_the_route() -> None:
    world = World(upstreams=())
    with pytest.raises(InvalidRequestError):
        await world.complete(passthrough(params={"model": ""}))


async def test_a_resumed_turn_keeps_the_system_prompt_of_its_session(world: World) -> None:
    system = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    await world.complete(claude(messages=system))
    turn = await world.turn(claude(FIRST))
    assert turn.resume
    assert turn.prompt == Prompt.of_text("Hi", "Be brief.")


async def test_another_clients_session_is_reported_as_not_found_even_while_busy(
    world: World,
) -> None:
    await world.complete(claude())
    async with world.store.hold(FIRST):
        with pytest.raises(SessionNotFoundError) as caught:
            await world.complete(claude(FIRST, client="you"))
    assert FIRST in caught.value.message
    assert await world.store.get(FIRST) is not None


async def test_resuming_an_expired_session_raises_session_not_found(world: World) -> None:
    await world.complete(claude())
    world.clock.advance(60)
    with pytest.raises(SessionNotFoundError):
        await world.complete(claude(FIRST))


async def test_a_session_lost_by_the_backend_is_removed_from_the_store(world: World) -> None:
    await world.complete(claude())
    world.backend.script = [SessionNotFoundError("lost")]
    with pytest.raises(SessionNotFoundError, match="lost"):
        await world.complete(claude(FIRST))
    assert await world.store.get(FIRST) is None


async def test_a_failed_first_turn_leaves_no_session(world: World) -> None:
    world.backend.script = [BackendFailedError("x")]
    with pytest.raises(BackendFailedError):
        await world.complete(claude())
    with pytest.raises(BackendFailedError):
        await enter(world, streamed())
    assert await world.store.get(FIRST) is None


async def test_a_session_serves_one_request_at_a_time(world: World) -> None:
    await world.complete(claude())
    async with world.stream(streamed(FIRST)):
        with pytest.raises(SessionBusyError):
            await world.complete(claude(FIRST))
    await world.complete(claude(FIRST))


async def test_results_wait_until_the_answer_with_their_calls_has_ended(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.complete(claude())
    async with world.stream(streamed(FIRST)):
        results = asyncio.create_task(world.complete(claude(FIRST, messages=RESULTS)))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not results.done()
    await results
    monkeypatch.setattr(prepare_turn, "RESULTS_PATIENCE_S", 0.0)
    async with world.stream(streamed(FIRST)):
        with pytest.raises(SessionBusyError):
            await world.complete(claude(FIRST, messages=RESULTS))


async def enter(world: World, request: InboundRequest) -> None:
    async with world.stream(request):
        pass


async def texts(chunks: AsyncIterator[object]) -> list[str]:
    return [chunk.text async for chunk in chunks if isinstance(chunk, TextDelta)]


async def test_an_entered_stream_has_its_first_event_and_a_stored_session(world: World) -> None:
    world.backend.script = says("a", "b")
    async with world.stream(streamed()) as answer:
        assert answer.first == Started()
        assert await world.store.get(FIRST) is not None
        assert "".join(await texts(answer.rest)) == "ab"
    assert world.backend.open == 0


@pytest.mark.parametrize("error", [BackendFailedError("x"), BackendCrashedError("y")])
async def test_errors_before_the_first_chunk_are_raised_on_entering_the_stream(
    world: World, error: GatewayError
) -> None:
    world.backend.script = [error]
    with pytest.raises(type(error)):
        await enter(world, streamed())
    assert world.backend.open == 0


async def test_an_empty_stream_raises_backend_crashed(world: World) -> None:
    world.backend.script = [0.0]
    with pytest.raises(BackendCrashedError):
        await enter(world, streamed())


async def test_a_session_adopts_the_cli_session_id_reported_by_the_backend(world: World) -> None:
    world.backend.script = [Started("elsewhere"), *says("x")[1:]]
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(world.stream(streamed()))
    turn = await world.turn(claude(FIRST))
    assert (turn.session.id, turn.session.cli_session_id) == (FIRST, "elsewhere")


async def test_an_in_process_request_has_a_body_and_hides_its_content_in_repr() -> None:
    request = InboundRequest.of(PARAMS | {"stream": True}, Mode.CLAUDE_CODE, UNKNOWN)
    assert request.decision == ModeDecision(Mode.CLAUDE_CODE, UNKNOWN)
    body = await request.read()
    assert body.streamed
    assert b"gpt-4" in body.content
    assert "Hi" not in repr(request) + repr(body)


async def test_an_upstreams_response_is_returned_unchanged(world: World) -> None:
    request = passthrough(params={"model": "gpt-9"})
    assert await world.complete(request) == RelayedAnswer(RESPONSE)
    assert (request.record.model, request.record.error) == ("gpt-9", None)
    assert world.relay.open == 0


async def test_an_upstreams_error_is_recorded(world: World) -> None:
    world.relay.response = UpstreamResponse(429, (), b"{}")
    request = passthrough()
    assert await world.complete(request) == RelayedAnswer(world.relay.response)
    assert request.record.error == "upstream_error"


async def test_turns_of_a_session_are_rate_limited() -> None:
    world = World(turns=2)
    request = claude()
    first = await world.turn(request)
    assert request.record.quota is not None
    assert request.record.quota.remaining == 1
    await world.turn(claude(first.session.id))
    with pytest.raises(RateLimitError):
        await world.complete(claude(first.session.id))
    async with world.store.hold(first.session.id):  # the rejected request released the session
        pass
    await world.turn(claude())


async def test_rejected_requests_do_not_count_against_the_session_rate_limit() -> None:
    world = World(turns=2)
    first = await world.turn(claude())
    with pytest.raises(InvalidRequestError):
        await world.complete(claude(first.session.id, stream_options=[]))
    await world.turn(claude(first.session.id))


async def test_a_session_counts_as_used_until_its_stream_ends(world: World) -> None:
    world.backend.script = says("a", "b")
    async with world.stream(streamed()) as answer:
        world.clock.advance(59)
        assert "".join(await texts(answer.rest)) == "ab"
    world.clock.advance(59)
    assert (await world.turn(claude(FIRST))).resume


async def test_a_failed_request_records_its_model_mode_and_session(world: World) -> None:
    world.backend.script = [BackendFailedError("x")]
    for request in claude(), streamed():
        with pytest.raises(BackendFailedError):
            await world.complete(request)
        assert (request.record.model, request.record.mode) == ("gpt-4", "claude-code")
        assert request.record.session is not None


async def test_a_streams_usage_is_recorded(world: World) -> None:
    request = streamed()
    async with world.stream(request) as answer:
        assert request.record.usage is None
        assert await texts(answer.rest) == ["Hello ", "there."]
    assert request.record.usage == USAGE


async def test_secrets_in_a_complete_answer_are_redacted(world: World) -> None:
    world.backend.script = says("The key is sk-ant-api03-", "abcdef1234567890.")
    answer = await world.complete(claude())
    assert isinstance(answer, CompleteAnswer)
    assert answer.completion.text == "The key is [REDACTED]."


class FullStore(MemorySessionStore):
    """A readable store whose operations named in `fails_at` raise `StorageError`."""

    fails_at: tuple[str, ...] = ()

    async def reserve(self, session: Session) -> None:
        self._write("reserve")
        await super().reserve(session)

    async def put(self, session: Session) -> None:
        self._write("put")
        await super().put(session)

    async def remove(self, session_id: SessionId) -> None:
        self._write("remove")
        await super().remove(session_id)

    def _write(self, what: str) -> None:
        if what in self.fails_at:
            raise StorageError("full")


@pytest.fixture
def full() -> tuple[World, FullStore]:
    store = FullStore()
    return World(store=store), store


async def test_no_turn_starts_if_its_session_cannot_be_reserved(
    full: tuple[World, FullStore],
) -> None:
    world, store = full
    first = (await world.turn(claude())).session.id
    store.fails_at = ("reserve",)
    before = await store.find()
    for request in (claude(), claude(first)):
        with pytest.raises(StorageError):
            await world.complete(request)
        with pytest.raises(StorageError):
            await enter(world, request)
    assert len(world.backend.turns) == 1
    assert await store.find() == before
    store.fails_at = ()
    for turn in before:
        async with store.hold(turn.id):  # the session is released
            pass
    assert (await world.turn(claude(first))).resume


@pytest.mark.parametrize("is_new", [True, False])
async def test_an_answer_is_returned_even_if_its_session_cannot_be_stored(
    full: tuple[World, FullStore], is_new: bool
) -> None:
    world, store = full
    session = None if is_new else (await world.turn(claude())).session.id
    before = await store.find()
    store.fails_at = ("put",)
    complete_answer = await world.complete(claude(session))
    assert isinstance(complete_answer, CompleteAnswer)
    assert complete_answer.completion.text == "Hello there."
    async with world.stream(streamed(session)) as answer:
        assert await texts(answer.rest) == ["Hello ", "there."]
    assert await store.find() == before


async def test_a_lost_conversation_is_reported_even_if_its_session_cannot_be_removed(
    full: tuple[World, FullStore],
) -> None:
    world, store = full
    session = (await world.turn(claude())).session.id
    store.fails_at = ("remove",)
    world.backend.script = [SessionNotFoundError("gone")]
    with pytest.raises(SessionNotFoundError):
        await world.complete(claude(session))
