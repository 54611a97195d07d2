"""What requests through the running gateway are recorded to have used and cost."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.waiting import until

from modegate.domain.answer.usage import Usage
from modegate.domain.request_record import RequestRecord
from modegate.entrypoints.http.middleware.request_log import RequestLog
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request

EVENTS = {"content-type": "text/event-stream"}
REPORT: dict[str, object] = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
REPORT |= {"prompt_tokens_details": {"cached_tokens": 40}}
USAGE = Usage(100, 20, 40)
COST = (60 * 2.5 + 40 * 1.25 + 20 * 10) / 1e6
PRICES = {"gpt-4o*": {"input": 2.5, "cached_input": 1.25, "output": 10.0}}
MESSAGES: Any = [{"role": "user", "content": "Hi"}]
RESPONSE = {
    "object": "response",
    "model": "gpt-4o-1",
    "usage": {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 40},
        "output_tokens": 20,
        "total_tokens": 120,
    },
}


def chunk(choices: list[object], **others: object) -> bytes:
    data = {"id": "c", "model": "gpt-4o-1", "choices": choices, **others}
    return b"data: %b\n\n" % json.dumps(data).encode()


TEXT = chunk([{"index": 0, "delta": {"content": "Hello"}, "finish_reason": None}], usage=None)
END = chunk([{"index": 0, "delta": {}, "finish_reason": "stop"}], usage=None)
REPORTED = chunk([], usage=REPORT)
DONE = b"data: [DONE]\n\n"
COMPLETED = (
    b"event: response.completed\ndata: %b\n\n"
    % json.dumps(
        {"type": "response.completed", "sequence_number": 1, "response": RESPONSE}
    ).encode()
)


async def answer(request: Request, reply: Reply) -> None:
    """Answers as OpenAI; the model `old` does not know `stream_options`."""
    asks = request.json.get("stream_options") == {"include_usage": True}
    if asks and request.json["model"] == "old":
        await reply.whole(400, b'{"error":{"message":"Unrecognized argument: stream_options"}}')
    elif request.json.get("stream"):
        await reply.begin(EVENTS)
        if request.path.endswith("/responses"):
            pieces = [COMPLETED]
        else:
            pieces = [TEXT, END, *([REPORTED] if asks else []), DONE]
        if request.json["model"] in {"cut", "slow"}:
            pieces = [TEXT]
        for piece in pieces:
            await reply.chunk(piece)
        if request.json["model"] == "slow":
            await reply.gone.wait()
        elif request.json["model"] == "cut":
            reply.cut()
        else:
            await reply.end()
    elif request.path.endswith("/responses"):
        await reply.whole(200, json.dumps(RESPONSE).encode())
    elif request.path.endswith("/embeddings"):
        body: dict[str, object] = {
            "data": [{"embedding": [0.5]}],
            "model": "e",
            "usage": {"prompt_tokens": 8, "total_tokens": 8},
        }
        await reply.whole(200, json.dumps(body).encode())
    else:
        choices = [{"index": 0, "message": {"role": "assistant", "content": "Hello"}}]
        body = {"model": "gpt-4o-1", "choices": choices, "usage": REPORT}
        await reply.whole(200, json.dumps(body).encode())


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[RequestRecord]:
    """The records of requests that have ended."""
    found: list[RequestRecord] = []
    monkeypatch.setattr(RequestLog, "observe", lambda _, record: found.append(record))
    return found


@pytest.fixture
async def upstream() -> AsyncIterator[Any]:
    server: Any = LoopbackServer(answer)
    async with server.running() as url:
        server.url = f"{url}/v1"
        yield server


@pytest.fixture
async def running(gateway: GatewayFactory, upstream: Any) -> AsyncIterator[Gateway]:
    settings: dict[str, Any] = {"openai_base_url": upstream.url, "openai_api_key": "sk-server"}
    async with gateway(prices=PRICES, upstream_max_retries=0, **settings) as found:
        yield found


async def record_of(records: list[RequestRecord]) -> RequestRecord:
    await until(lambda: len(records) == 1)
    return records.pop()


async def test_the_usage_and_the_cost_of_each_kind_of_answer_are_recorded(
    running: Gateway, records: list[RequestRecord]
) -> None:
    sdk = running.sdk
    await sdk.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    answers = [await record_of(records)]
    stream = await sdk.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
    assert [len(it.choices) async for it in stream] == [1, 1]
    answers.append(await record_of(records))
    asked = await sdk.chat.completions.create(
        model="gpt-4o", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    assert [len(it.choices) async for it in asked] == [1, 1, 0]
    answers.append(await record_of(records))
    await sdk.responses.create(model="gpt-4o", input="Hi")
    answers.append(await record_of(records))
    response = await running.http.post(
        "/v1/responses", json={"model": "gpt-4o", "input": "Hi", "stream": True}
    )
    assert response.content == COMPLETED
    answers.append(await record_of(records))
    for record in answers:
        assert record.usage == USAGE
        assert record.used_model == "gpt-4o-1"
        assert record.cost_usd == pytest.approx(COST)
        assert record.price_version == "settings"
    await sdk.embeddings.create(model="gpt-4.1", input="Hi")
    record = await record_of(records)
    assert record.usage == Usage(8, 0)
    assert record.cost_usd == pytest.approx(8 * 2 / 1e6)
    assert str(record.price_version).startswith("genai-prices ")
    await sdk.chat.completions.create(model="ours", messages=MESSAGES)
    record = replace(await record_of(records), used_model=None)
    assert (record.usage, record.model) == (USAGE, "ours")


async def test_the_client_gets_its_stream_without_what_only_the_gateway_asked_for(
    running: Gateway, upstream: LoopbackServer, records: list[RequestRecord]
) -> None:
    for path in ("/v1/chat/completions", "/v1/completions"):
        body = b'{"model":"gpt-4o", "stream":true,"stream_options":{"include_usage":false} }'
        response = await running.http.post(
            path, content=body, headers={"content-type": "application/json"}
        )
        assert response.content == TEXT + END + DONE
        assert upstream.requests[-1].body == body.replace(b"false", b"true")
        assert (await record_of(records)).usage == USAGE


async def test_an_upstream_that_rejects_the_question_is_asked_once(
    running: Gateway, upstream: LoopbackServer, records: list[RequestRecord]
) -> None:
    for attempts in (2, 1):
        upstream.requests.clear()
        response = await running.chat("old", stream=True)
        assert response.content == TEXT + END + DONE
        assert len(upstream.requests) == attempts
        record = await record_of(records)
        assert record.usage is not None
        assert record.usage.estimated
        assert record.usage.completion_tokens >= 1
        assert record.error is None
    (last,) = upstream.requests
    assert "stream_options" not in last.json


@pytest.mark.parametrize("model", ["cut", "slow"])
async def test_a_stream_that_ends_early_has_an_estimate_of_what_was_used(
    model: str, running: Gateway, upstream: LoopbackServer, records: list[RequestRecord]
) -> None:
    body = {"model": model, "messages": MESSAGES, "stream": True}
    headers = {"session-id": "s-1", "x-claude-code-agent-id": "a" * 200, "x-openai-subagent": "a b"}
    async with running.http.stream(
        "POST", "/v1/chat/completions", json=body, headers=headers
    ) as response:
        pieces = response.aiter_raw()
        assert (await anext(pieces)).startswith(TEXT)
        if model == "cut":
            assert DONE in b"".join([piece async for piece in pieces])
    record = await record_of(records)
    prompt = -(-len(upstream.requests[0].body) // 3)
    assert record.usage == Usage(prompt, 1, estimated=True)
    assert record.used_model == "gpt-4o-1"
    assert (record.conversation, record.agent, record.subagent) == ("s-1", "a" * 128, None)


async def test_turns_of_claude_code_have_the_figure_of_the_cli(
    both: Gateway, records: list[RequestRecord]
) -> None:
    for _ in range(2):  # the second one on a process that has answered before
        reply = (await both.claude()).json()
        record = await record_of(records)
        assert record.usage is not None
        assert record.usage.prompt_tokens == reply["usage"]["prompt_tokens"]
        assert record.price_version == "claude-cli"
        assert record.cost_usd == record.usage.cost_usd
        assert record.used_model == "claude-sonnet-5-5"
    body = {"model": "sonnet", "messages": MESSAGES, "stream": True}
    async with both.http.stream(
        "POST", "/v1/chat/completions", json=body, headers=CLAUDE
    ) as response:
        await anext(response.aiter_raw())
    cut = await record_of(records)
    assert cut.usage is not None
    assert cut.usage.prompt_tokens > 0
    assert cut.usage.estimated
