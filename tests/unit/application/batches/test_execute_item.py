"""Items of batches, answered by the use cases with scripted backends."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from modegate.adapters.memory.session_store import MemorySessionStore
from modegate.application.answering.routed_answer import CompleteAnswer
from modegate.application.batches.execute_item import ExecuteItem
from modegate.dialects.batch import item_of
from modegate.dialects.json import encode
from modegate.dialects.registry import DIALECTS
from modegate.domain.access.client import ANONYMOUS, Client, ClientId
from modegate.domain.batches.item import BatchItem, ItemResult, Retry
from modegate.domain.dialect_name import DialectName
from modegate.domain.errors import (
    BackendRateLimitedError,
    GatewayError,
    UpstreamRefusalError,
    UpstreamUnreachableError,
)
from modegate.domain.inbound_request import ChatBody, InboundRequest
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.mode import Mode, ModeDecision
from modegate.domain.upstream_response import UpstreamResponse
from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.config.settings import Settings
from modegate.testing.answer_backend import ScriptedBackend
from modegate.testing.relay_backend import ScriptedRelay
from modegate.testing.transcript_store import FakeTranscriptStore

CHAT = {"model": "haiku", "messages": [{"role": "user", "content": "Hi"}]}
JSON = (("content-type", "application/json"),)


class Records:
    """An observer that keeps the records."""

    def __init__(self) -> None:
        self.seen: list[RequestRecord] = []

    def observe(self, record: RequestRecord) -> None:
        self.seen.append(record)


class World:
    """The use case with scripted backends."""

    def __init__(self, folder: Path) -> None:
        settings = Settings(modegate_state_dir=folder, openai_api_key=SecretStr("sk-server"))
        container = Container(settings=settings)
        self.claude, self.upstream, self.records = ScriptedBackend(), ScriptedRelay(), Records()
        self.store, self.transcripts = MemorySessionStore(), FakeTranscriptStore()
        container.answer_backend.override(self.claude)
        container.relay_backend.override(self.upstream)
        container.session_store.override(self.store)
        container.transcript_store.override(self.transcripts)
        self.execute_item = ExecuteItem(
            answer_request=container.answer_request(),
            relay_call=container.relay_call(),
            sessions=container.manage_sessions(),
            clock=container.clock(),
            observers=(self.records,),
            render_error=lambda error, url, _id: (503, encode({"error": error.code, "url": url})),
        )

    async def execute(
        self, item: BatchItem, mode: Mode = Mode.CLAUDE_CODE, client: Client = ANONYMOUS
    ) -> ItemResult:
        return await self.execute_item.execute(item, mode, client)


async def read_response() -> ChatBody:
    params = {"model": "haiku", "input": "Hi"}
    return ChatBody(encode(params), params)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def item(url: str = "/v1/chat/completions", **changed: object) -> BatchItem:
    given = {"custom_id": "one", "method": "POST", "url": url, "body": CHAT}
    return item_of(given | changed)


async def test_claude_code_answers_an_item(world: World) -> None:
    result = await world.execute(item())
    assert (result.custom_id, result.status, result.retry) == ("one", 200, None)
    assert result.succeeded
    answer = json.loads(result.body)
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"]["content"] == "Hello there."
    assert result.usage is not None
    assert result.usage.total_tokens == answer["usage"]["total_tokens"]


@pytest.mark.parametrize(
    ("url", "body", "kind"),
    [
        ("/v1/responses", {"model": "haiku", "input": "Hi"}, "response"),
        ("/v1/messages", {**CHAT, "max_tokens": 100}, "message"),
    ],
)
async def test_claude_code_answers_an_item_in_each_dialect(
    world: World, url: str, body: dict[str, object], kind: str
) -> None:
    result = await world.execute(item(url, body=body))
    answer = json.loads(result.body)
    assert (result.status, kind) == (200, answer.get("object", answer.get("type")))
    assert "Hello there." in result.body.decode()
    assert await world.store.find(ANONYMOUS.id) == []
    (record,) = world.records.seen
    assert (record.route, record.mode) == (url, "claude-code")
    if kind == "response":
        assert answer["store"] is False


async def test_a_session_that_an_item_continues_does_not_end_with_it(world: World) -> None:
    first = InboundRequest(
        decision=ModeDecision(Mode.CLAUDE_CODE), read=read_response, dialect=DialectName.RESPONSES
    )
    async with world.execute_item.answer_request.execute(first) as answer:
        assert isinstance(answer, CompleteAnswer)
    kept = json.loads(DIALECTS[first.dialect].complete(answer.frame, answer.completion))
    body = {"model": "haiku", "input": "And?", "previous_response_id": kept["id"]}
    result = await world.execute(item("/v1/responses", body=body))
    assert result.succeeded
    assert [it.id for it in await world.store.find(ANONYMOUS.id)] == [answer.frame.session_id]


async def test_the_session_of_an_item_ends_with_it(world: World) -> None:
    await world.execute(item())
    assert await world.store.find(ANONYMOUS.id) == []


async def test_an_item_has_a_record_as_any_request(world: World) -> None:
    client = Client(ClientId("me"), "sk-…", "key-1")
    result = await world.execute(item(), client=client)
    (record,) = world.records.seen
    assert (record.route, record.method, record.status) == ("/v1/chat/completions", "POST", 200)
    assert (record.key_id, record.mode, record.model) == ("key-1", "claude-code", "haiku")
    assert record.request_id == result.request_id
    assert record.reached_backend


@pytest.mark.parametrize(
    ("own", "model", "mode"),
    [
        ({}, "haiku", "openai-passthrough"),
        ({}, "claude-code/haiku", "claude-code"),
        ({"mode": "claude-code"}, "haiku", "claude-code"),
        ({"mode": "openai-passthrough"}, "claude-code/haiku", "openai-passthrough"),
    ],
)
async def test_what_an_item_says_of_its_mode_comes_before_its_batch(
    world: World, own: dict[str, str], model: str, mode: str
) -> None:
    asked = item(**own, body={**CHAT, "model": model})
    await world.execute(asked, Mode.PASSTHROUGH)
    (record,) = world.records.seen
    assert (record.mode, record.model) == (mode, model)


async def test_an_upstream_answers_an_item_byte_for_byte(world: World) -> None:
    world.upstream.response = UpstreamResponse(200, JSON, b'{"huge": 12345678901234567890123}')
    result = await world.execute(item(), Mode.PASSTHROUGH)
    assert (result.status, result.body) == (200, b'{"huge": 12345678901234567890123}')
    (request,) = world.upstream.requests
    assert json.loads(request.body if isinstance(request.body, bytes) else b"") == CHAT


async def test_a_relayed_operation_answers_an_item(world: World) -> None:
    body = {"model": "text-embedding-3-small", "input": "Hi"}
    result = await world.execute(item("/v1/embeddings", body=body), Mode.PASSTHROUGH)
    assert (result.status, result.body) == (200, b"{}")
    (request,) = world.upstream.requests
    assert request.target is not None
    assert (request.target.method, request.target.path) == ("POST", "/embeddings")
    (record,) = world.records.seen
    assert record.route == "/v1/embeddings"


async def test_an_item_may_name_another_mode_than_its_batch(world: World) -> None:
    await world.execute(item(mode="openai-passthrough"))
    assert len(world.upstream.requests) == 1
    assert world.claude.turns == []


async def test_claude_code_has_no_other_operation(world: World) -> None:
    result = await world.execute(item("/v1/embeddings"))
    assert (result.error, result.retry) == ("unsupported_endpoint", None)


@pytest.mark.parametrize(
    ("error", "retry"),
    [
        (BackendRateLimitedError("Too many.", retry_after=3), Retry(3)),
        (UpstreamUnreachableError("Away."), Retry(None)),
    ],
)
async def test_an_error_is_a_result_and_says_whether_to_retry(
    world: World, error: GatewayError, retry: Retry
) -> None:
    world.upstream.response = error
    result = await world.execute(item("/v1/embeddings"), Mode.PASSTHROUGH)
    assert (result.status, result.error, result.retry) == (503, error.code, retry)
    assert json.loads(result.body) == {"error": error.code, "url": "/v1/embeddings"}
    (record,) = world.records.seen
    assert (record.status, record.error) == (503, error.code)


@pytest.mark.parametrize("raised", [False, True])
async def test_an_upstreams_error_is_a_result_as_it_came(world: World, raised: bool) -> None:
    refusal = UpstreamResponse(429, (*JSON, ("retry-after", "9")), b'{"error": {"code": "slow"}}')
    world.upstream.response = UpstreamRefusalError(refusal) if raised else refusal
    result = await world.execute(item("/v1/embeddings"), Mode.PASSTHROUGH)
    assert (result.status, result.body) == (429, refusal.body)
    assert result.retry == Retry(9.0)
    assert not result.succeeded


class InterruptedItemError(KeyboardInterrupt, Exception):
    """What ends the process, in a form that the scripted upstream raises."""


async def test_an_interrupted_item_has_a_record_and_no_result(world: World) -> None:
    world.upstream.response = InterruptedItemError()
    with pytest.raises(InterruptedItemError):
        await world.execute(item("/v1/embeddings"), Mode.PASSTHROUGH)
    (record,) = world.records.seen
    assert record.status == 499
