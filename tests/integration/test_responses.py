"""`/v1/responses` through the real CLI, with OpenAI's SDK; passthrough as before."""

import base64
import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel
from support.dialects import read_events
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.pictures import PDF, PNG

from modegate.adapters.claude_cli.protocol.document import TOOL
from modegate.domain.errors.catalogue import backend
from modegate.simulator.api import Call, Fails, Says
from modegate.simulator.provider import SimulatedProvider, last_user_text
from modegate.testing.answer_backend import ScriptedBackend, says

OTHER = "3f2c8a10-5b7e-4a51-9d0e-6c1f2b3a4d5e"
BODY = {"model": "sonnet", "input": "Hi"}
# As Codex offers them, whether or not a backend has them.
TOOLS: Any = [
    {"type": "namespace", "name": "multi_agent_v1", "description": "Agents.", "tools": []},
    {"type": "web_search"},
]


async def test_the_sdk_gets_responses_complete_and_streamed(
    both: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says("Hello there.", input_tokens=7, cached_tokens=5), Says("one two three"))
    raw = await both.sdk.responses.with_raw_response.create(
        model="gpt-4o",
        instructions="Be brief.",
        input=[{"role": "developer", "content": "Rules."}, {"role": "user", "content": "Hi"}],
        tools=TOOLS,
        store=False,
        prompt_cache_key="k",
        extra_headers=CLAUDE,
    )
    response = raw.parse()
    assert response.output_text == "Hello there."
    assert (response.model, response.status) == ("gpt-4o", "completed")
    assert response.id.startswith("resp_mg_")
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (12, 2)
    assert raw.headers["x-backend-mode"] == "claude-code"
    assert raw.headers["x-claude-ignored-params"] == "prompt_cache_key"
    assert raw.headers["x-modegate-ignored-tools"] == "web_search"
    asked = provider.requests[-1].json
    assert last_user_text(asked) == "Hi"
    assert [it["text"] for it in asked["system"]][-1] == "Be brief.\n\nRules."  # type: ignore[attr-defined]

    async with both.sdk.responses.stream(
        model="sonnet", input="Hi", extra_headers=CLAUDE
    ) as stream:
        deltas = [it.delta async for it in stream if it.type == "response.output_text.delta"]
        whole = await stream.get_final_response()
    assert "".join(deltas) == whole.output_text == "one two three"


async def test_the_header_decides_who_answers(both: Gateway, provider: SimulatedProvider) -> None:
    provider.script(Says("From Claude."))
    claude = await both.http.post("/v1/responses", json=BODY, headers=CLAUDE)
    session = {"X-Claude-Session-ID": claude.headers["x-claude-session-id"]}
    provider.script(Says("Again."))
    again = await both.http.post("/v1/responses", json=BODY, headers=session)
    assert [it.json()["output"][0]["content"][0]["text"] for it in (claude, again)] == [
        "From Claude.",
        "Again.",
    ]
    relayed = await both.http.post("/v1/responses", json=BODY)
    assert relayed.headers["x-backend-mode"] == "openai-passthrough"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "invalid_request"),
        (b'{"model": "sonnet"}', 400, "missing_required_parameter"),
        (b'{"model": "gpt-9", "input": "Hi"}', 400, "model_not_found"),
        (b'{"model": "sonnet", "input": "Hi", "background": true}', 400, "unsupported_parameter"),
    ],
)
async def test_errors_are_openais(both: Gateway, body: bytes, status: int, code: str) -> None:
    headers = CLAUDE | {"Content-Type": "application/json"}
    refused = await both.http.post("/v1/responses", content=body, headers=headers)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)


async def test_a_failure_before_the_answer_has_its_status(
    both: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Fails(403, "no"))
    body = BODY | {"stream": True}
    refused = await both.http.post("/v1/responses", json=body, headers=CLAUDE)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "backend_forbidden")


async def test_a_stream_that_breaks_ends_with_response_failed(gateway: GatewayFactory) -> None:
    breaks = ScriptedBackend(*says("one ", "two ")[:-1], backend.ended_early())
    body = BODY | {"stream": True}
    async with gateway(claude=breaks) as running:
        response = await running.http.post("/v1/responses", json=body, headers=CLAUDE)
    names = [name for name, _ in read_events(response.content)]
    assert names[0] == "response.created"
    assert names[-1] == "response.failed"
    assert "response.completed" not in names
    last = json.loads(response.text.strip().rpartition("data: ")[2])
    assert last["response"]["error"]["code"] == "server_error"


async def test_a_response_is_continued_read_and_deleted(
    both: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says("Hello Ada."), Says("Ada."), Says("Still Ada."))
    sdk = both.sdk.responses
    first = await sdk.create(
        model="sonnet", instructions="Rules.", input="I am Ada.", extra_headers=CLAUDE
    )
    async with sdk.stream(
        model="sonnet", input="Who am I?", previous_response_id=first.id, extra_headers=CLAUDE
    ) as stream:
        second = await stream.get_final_response()
    assert second.previous_response_id == first.id
    asked = provider.requests[-1].json
    assert last_user_text(asked) == "Who am I?"
    assert [it in json.dumps(asked) for it in ("I am Ada.", "Hello Ada.", "Rules.")] == [
        True,
        True,
        False,
    ]
    third = await sdk.create(
        model="sonnet",
        input="Sure?",
        previous_response_id=second.id,
        store=False,
        extra_headers=CLAUDE,
    )
    assert "Who am I?" in json.dumps(provider.requests[-1].json)
    assert (await sdk.retrieve(first.id)).output_text == "Hello Ada."
    assert (await sdk.retrieve(second.id)).output_text == second.output_text
    await sdk.delete(first.id)
    for gone in (first.id, third.id):
        with pytest.raises(openai.NotFoundError):
            await sdk.retrieve(gone)
    with pytest.raises(openai.BadRequestError) as unknown:
        await sdk.create(
            model="sonnet", input="Hi", previous_response_id=first.id, extra_headers=CLAUDE
        )
    assert unknown.value.code == "previous_response_not_found"
    assert (await both.http.delete(f"/v1/responses/{first.id}")).status_code == 404


async def test_a_conversation_is_the_session(both: Gateway, provider: SimulatedProvider) -> None:
    provider.script(Says("Hello Ada."), Says("Ada."), Says("Still Ada."))
    sdk = both.sdk.responses
    first = await sdk.create(model="sonnet", input="I am Ada.", store=False, extra_headers=CLAUDE)
    assert first.conversation is not None
    named = first.conversation.id
    second = await sdk.with_raw_response.create(
        model="sonnet", input="Who am I?", conversation=named, store=False, extra_headers=CLAUDE
    )
    assert second.headers["x-claude-session-id"] == named
    assert "Hello Ada." in json.dumps(provider.requests[-1].json)
    async with sdk.stream(
        model="sonnet", input="Sure?", conversation={"id": named}, extra_headers=CLAUDE
    ) as stream:
        third = await stream.get_final_response()
    assert third.output_text == "Still Ada."
    assert third.conversation == first.conversation
    assert (await sdk.retrieve(third.id)).conversation == first.conversation


@pytest.mark.parametrize(
    ("conversation", "headers", "status"),
    [
        ("conv_1", CLAUDE, 400),
        (OTHER, CLAUDE, 404),
        (OTHER, CLAUDE | {"X-Claude-Session-ID": OTHER[::-1]}, 400),
        (OTHER, CLAUDE | {"X-Claude-Session-ID": OTHER.replace("3f", "4f")}, 400),
        (OTHER, {}, 403),  # passthrough with the server's key
    ],
)
async def test_a_conversation_that_is_no_session_of_the_client(
    conversation: str, headers: dict[str, str], status: int, both: Gateway
) -> None:
    body = BODY | {"conversation": conversation}
    response = await both.http.post("/v1/responses", json=body, headers=headers)
    assert response.status_code == status


async def test_a_kept_response_is_its_clients_alone(gateway: GatewayFactory) -> None:
    keys = "sk-cca-one-1234567890,sk-cca-two-1234567890"
    async with gateway(api_keys=keys, claude=ScriptedBackend(*says("Hi"))) as running:
        one, two = ({"Authorization": f"Bearer {key}"} for key in keys.split(","))
        made = await running.http.post("/v1/responses", json=BODY, headers=CLAUDE | one)
        path = f"/v1/responses/{made.json()['id']}"
        statuses = [
            (await running.http.request(method, path, headers=key)).status_code
            for method, key in (("GET", {}), ("GET", two), ("DELETE", two), ("GET", one))
        ]
    assert statuses == [401, 404, 404, 200]


async def test_images_files_and_a_schema_reach_the_model(
    both: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says(json.dumps({"name": "Ada"}), stop="tool_use", tool=TOOL))
    png, pdf = (base64.b64encode(it).decode() for it in (PNG, PDF))
    content: Any = [
        {"type": "input_text", "text": "Who?"},
        {"type": "input_image", "image_url": f"data:image/png;base64,{png}", "detail": "auto"},
        {"type": "input_file", "filename": "report.pdf", "file_data": pdf},
    ]

    class Person(BaseModel):
        name: str

    response = await both.sdk.responses.parse(
        model="sonnet",
        input=[{"role": "user", "content": content}],
        text_format=Person,
        extra_headers=CLAUDE,
    )
    assert response.output_parsed == Person(name="Ada")
    asked = json.dumps(provider.requests[-1].json)
    assert (png in asked, pdf in asked, "report.pdf" in asked) == (True, True, True)


async def test_items_that_refer_to_kept_responses_go_on_with_these(
    both: Gateway, provider: SimulatedProvider
) -> None:
    call = Call("get", '{"key": "a"}', "toolu_a")
    provider.script(Says("I look.", calls=(call,)), Says("Found."))
    get: Any = {"type": "function", "name": "get", "parameters": {"type": "object"}}
    asked: Any = [{"role": "user", "content": "Look."}]
    sdk = both.sdk.responses.with_raw_response
    raw = await sdk.create(model="sonnet", input=asked, tools=[get], extra_headers=CLAUDE)
    response = raw.parse()
    for item in response.output:
        asked.append({"type": "item_reference", "id": item.id})
    asked.append({"type": "function_call_output", "call_id": "toolu_a", "output": "It is b."})
    again = await sdk.create(model="sonnet", input=asked, tools=[get], extra_headers=CLAUDE)
    assert again.parse().output_text == "Found."
    session = "X-Claude-Session-ID"
    assert again.headers[session] == raw.headers[session]  # the parked turn has gone on
    for unknown in ("msg_mg_none_0", f"{response.output[0].id}9", "msg_of_openai"):
        asked[1] = {"type": "item_reference", "id": unknown}
        with pytest.raises(openai.BadRequestError) as caught:
            await sdk.create(model="sonnet", input=asked, tools=[get], extra_headers=CLAUDE)
        assert caught.value.param == "input[1]"
