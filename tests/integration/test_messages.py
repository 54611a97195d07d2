"""`/v1/messages` through the real CLI, with Anthropic's SDK and the CLI itself as clients."""

import asyncio
import base64
import json
import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anthropic
import pytest
from claude_agent_sdk import _bundled
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.pictures import PDF, PNG
from support.waiting import until

from modegate.adapters.claude_cli.protocol.document import TOOL
from modegate.domain.errors.catalogue import backend
from modegate.simulator.api import Fails, Says
from modegate.simulator.provider import SimulatedProvider, last_user_text
from modegate.testing.answer_backend import ScriptedBackend, says

HI: list[anthropic.types.MessageParam] = [{"role": "user", "content": "Hi"}]
BODY = {"model": "sonnet", "max_tokens": 99, "messages": HI}
SCHEMA: Any = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
EXECUTABLE = Path(_bundled.__path__[0]) / "claude"


@pytest.fixture
async def sdk(both: Gateway) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """Anthropic's SDK, set up for the gateway as its documentation says."""
    async with anthropic.AsyncAnthropic(
        base_url=both.url, api_key="unused", default_headers=CLAUDE, max_retries=0
    ) as client:
        yield client


async def test_the_sdk_gets_messages_complete_and_streamed(
    provider: SimulatedProvider, sdk: anthropic.AsyncAnthropic
) -> None:
    provider.script(Says("Hello there.", input_tokens=7, cached_tokens=5), Says("one two three"))
    response = await sdk.messages.with_raw_response.create(
        model="sonnet",
        max_tokens=99,
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        messages=HI,
        tools=[{"type": "web_search_20250305", "name": "web_search"}],
    )
    message = await response.parse()
    assert [it.text for it in message.content if it.type == "text"] == ["Hello there."]
    assert (message.model, message.stop_reason) == ("sonnet", "end_turn")
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (7, 5, 2)
    assert response.headers["request-id"] == response.headers["x-request-id"]
    assert response.headers["x-backend-mode"] == "claude-code"
    assert response.headers["x-claude-ignored-params"] == "cache_control"
    assert response.headers["x-modegate-ignored-tools"] == "web_search"
    asked = provider.requests[-1].json
    assert last_user_text(asked) == "Hi"
    assert [block["text"] for block in asked["system"]][-1] == "Be brief."  # type: ignore[attr-defined]

    async with sdk.messages.stream(model="sonnet", max_tokens=99, messages=HI) as stream:
        words = [word async for word in stream.text_stream]
        whole = await stream.get_final_message()
    assert "".join(words) == "one two three"
    assert whole.stop_reason == "end_turn"
    assert whole.usage.output_tokens == 3
    session = response.headers["x-claude-session-id"]
    assert uuid.UUID(session) != uuid.UUID(stream.response.headers["x-claude-session-id"])


async def test_a_session_goes_on_and_an_id_from_outside_is_unknown(
    both: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says("Hello Ada."), Says("Ada."))
    first = await both.http.post("/v1/messages", json=BODY, headers=CLAUDE)
    session = {"X-Claude-Session-ID": first.headers["x-claude-session-id"]}
    second = await both.http.post("/v1/messages", json=BODY, headers=session)
    assert second.json()["content"] == [{"type": "text", "text": "Ada."}]
    assert "x-claude-session-created" not in second.headers
    unknown = {"X-Claude-Session-ID": str(uuid.uuid4())}
    refused = await both.http.post("/v1/messages", json=BODY, headers=unknown)
    assert (refused.status_code, refused.json()["error"]["type"]) == (404, "not_found_error")


async def test_tokens_are_counted_as_an_estimate(
    sdk: anthropic.AsyncAnthropic, provider: SimulatedProvider
) -> None:
    short = await sdk.messages.with_raw_response.count_tokens(model="sonnet", messages=HI)
    long: list[anthropic.types.MessageParam] = [{"role": "user", "content": "word " * 3000}]
    more = await sdk.messages.count_tokens(model="sonnet", messages=long)
    assert short.headers["x-usage-estimated"] == "true"
    assert 0 < (await short.parse()).input_tokens < 100
    assert 3000 < more.input_tokens < 9000
    assert not provider.requests
    with pytest.raises(anthropic.NotFoundError):
        await sdk.messages.count_tokens(model="gpt-9", messages=HI)


async def test_errors_are_those_that_anthropics_sdk_knows(
    sdk: anthropic.AsyncAnthropic, provider: SimulatedProvider
) -> None:
    with pytest.raises(anthropic.NotFoundError) as unknown:
        await sdk.messages.create(model="gpt-9", max_tokens=1, messages=HI)
    assert isinstance(unknown.value.body, dict)
    assert unknown.value.body["request_id"] == unknown.value.request_id
    with pytest.raises(anthropic.BadRequestError) as empty:
        await sdk.messages.create(model="sonnet", max_tokens=1, messages=[])
    assert "messages" in empty.value.message
    provider.script(Fails(403, "no"))
    with pytest.raises(anthropic.PermissionDeniedError):
        await sdk.messages.create(model="sonnet", max_tokens=1, messages=HI)


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "status", "kind"),
    [
        ("POST", "/v1/messages", {}, b"{}", 503, "api_error"),
        ("POST", "/v1/messages", {"X-Claude-Code": "odd"}, b"{}", 400, "invalid_request_error"),
        ("POST", "/v1/messages", CLAUDE, b"{", 400, "invalid_request_error"),
        ("POST", "/v1/messages/count_tokens", {}, b"{}", 400, "invalid_request_error"),
        ("GET", "/v1/messages", CLAUDE, b"", 405, "invalid_request_error"),
        ("GET", "/v1/messages/batches", CLAUDE, b"", 404, "not_found_error"),
    ],
)
async def test_every_error_of_these_paths_has_anthropics_form(
    gateway: GatewayFactory,
    method: str,
    path: str,
    headers: dict[str, str],
    content: bytes,
    status: int,
    kind: str,
) -> None:
    json_type = {"Content-Type": "application/json"}
    async with gateway(api_key="sk-cca-one-1234567890") as running:
        key = {"x-api-key": "sk-cca-one-1234567890"}
        told = await running.http.request(
            method, path, headers=headers | json_type | key, content=content
        )
        stranger = await running.http.post("/v1/messages", json=BODY, headers=CLAUDE)
        other = await running.http.get("/v1/messagesx")
    assert (told.status_code, told.json()["type"]) == (status, "error")
    assert told.json()["error"]["type"] == kind
    assert told.json()["request_id"] == told.headers["request-id"]
    assert (stranger.status_code, stranger.json()["error"]["type"]) == (401, "authentication_error")
    assert other.json()["error"]["code"] == "not_found"


async def test_a_stream_that_breaks_ends_with_an_error_event(gateway: GatewayFactory) -> None:
    breaks = ScriptedBackend(*says("one ", "two ")[:-1], backend.ended_early())
    body = BODY | {"stream": True}
    async with gateway(claude=breaks) as running:
        response = await running.http.post("/v1/messages", json=body, headers=CLAUDE)
    text = response.text
    *_, last = text.strip().split("\n\n")
    assert last.startswith("event: error\n")
    assert json.loads(last.partition("data: ")[2])["error"]["type"] == "api_error"
    assert "message_stop" not in text


async def test_a_client_that_leaves_stops_the_turn(
    both: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says("word " * 200, delay=0.05))
    body = BODY | {"stream": True}
    async with both.http.stream("POST", "/v1/messages", json=body, headers=CLAUDE) as response:
        await anext(response.aiter_lines())
    await until(lambda: provider.under_way == 0)


async def test_claude_code_itself_is_answered(
    both: Gateway, provider: SimulatedProvider, tmp_path: Path
) -> None:
    provider.script(Says("Hello from below."))
    home = tmp_path / "client"
    home.mkdir()
    client = await asyncio.create_subprocess_exec(
        str(EXECUTABLE),
        *("-p", "--model", "sonnet", "Say hello."),
        cwd=home,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "ANTHROPIC_BASE_URL": both.url,
            "ANTHROPIC_API_KEY": "sk-ant-unused",
            "ANTHROPIC_CUSTOM_HEADERS": "X-Claude-Code: true",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await client.communicate()
    assert told.decode().strip() == "Hello from below."
    assert client.returncode == 0


async def test_images_documents_and_a_schema_reach_the_model(
    provider: SimulatedProvider, sdk: anthropic.AsyncAnthropic
) -> None:
    document = json.dumps({"name": "Ada"})
    provider.script(Says(document, stop="tool_use", tool=TOOL))
    png, pdf = (base64.b64encode(it).decode() for it in (PNG, PDF))
    asked: Any = [
        {
            "role": "user",
            "content": [
                {
                    "type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": png},
                },
                {
                    "type": "document",
                    "title": "report.pdf",
                    "source": {"type": "base64", "media_type": "application/pdf", "data": pdf},
                },
                {"type": "text", "text": "Who?"},
            ],
        }
    ]
    message = await sdk.messages.create(
        model="sonnet",
        max_tokens=99,
        messages=asked,
        output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
    )
    assert [it.text for it in message.content if it.type == "text"] == ['{"name":"Ada"}']
    sent = json.dumps(provider.requests[-1].json)
    assert (png in sent, pdf in sent, "report.pdf" in sent) == (True, True, True)


async def test_a_stop_text_that_ends_the_answer_is_named(
    provider: SimulatedProvider, sdk: anthropic.AsyncAnthropic
) -> None:
    step = Says("one two", stop="stop_sequence", stop_text="END")
    provider.script(step, step)
    asked: Any = {"model": "sonnet", "max_tokens": 2000, "messages": HI, "stop_sequences": ["END"]}
    message = await sdk.messages.create(**asked)
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")
    async with sdk.messages.stream(**asked) as stream:
        message = await stream.get_final_message()
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")
