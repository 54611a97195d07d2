"""Structured output of the real CLI, with the openai SDK, against a simulated model."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from langchain_openai import ChatOpenAI
from openai import AsyncOpenAI, InternalServerError
from pydantic import BaseModel, Field, SecretStr
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.waiting import until

from modegate.adapters.claude_cli.protocol.document import TOOL
from modegate.simulator.api import Call, Fails, Says
from modegate.simulator.provider import SimulatedProvider

SESSION = "X-Claude-Session-ID"
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"name": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}
GENERATE_OBJECT = """
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, jsonSchema, streamObject } from "ai";
const [baseURL, schema] = process.argv.slice(2);
const modegate = createOpenAICompatible({
  name: "modegate", baseURL, apiKey: "x", supportsStructuredOutputs: true,
});
const asked = {
  model: modegate("sonnet"), prompt: "Who?", schema: jsonSchema(JSON.parse(schema)),
  headers: { "X-Claude-Code": "true" },
};
console.log(JSON.stringify((await generateObject(asked)).object));
const streamed = streamObject(asked);
for await (const _ of streamed.partialObjectStream);
console.log(JSON.stringify(await streamed.object));
"""
LOOK_UP = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}
INVALID = '{"nom": "Ada"}'


class Step(BaseModel):
    explanation: str = Field(pattern="^[A-Z]")
    then: "list[Step]" = []


class Plan(BaseModel):
    title: str | None
    steps: list[Step]


def writes(document: object, **fields: Any) -> Says:
    """Returns the model's answer that is this document, given as a value or as JSON."""
    text = document if isinstance(document, str) else json.dumps(document)
    return Says(text, **({"stop": "tool_use", "tool": TOOL} | fields))


def named(schema: object) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": schema}}


def capacity(gateway: Gateway) -> Any:
    return gateway.container.claude_cli().status().capacity


async def test_parse_of_the_sdk_gets_nested_and_recursive_models(
    both: Gateway, provider: SimulatedProvider
) -> None:
    inner = {"explanation": "B", "then": []}
    plan = {"title": None, "steps": [{"explanation": "Größe ✓", "then": [inner]}]}
    provider.script(writes(plan))
    answer = await both.sdk.chat.completions.parse(
        model="sonnet",
        messages=[{"role": "user", "content": "Plan."}],
        response_format=Plan,
        extra_headers=CLAUDE,
    )
    assert answer.choices[0].message.parsed == Plan.model_validate(plan)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == len(writes(plan).words)
    offered: Any = provider.requests[-1].json["tools"]
    assert [it["name"] for it in offered] == [TOOL]
    assert len(provider.requests) == 1


async def test_a_stream_sends_the_document_and_nothing_else(
    both: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says("I will think first."), writes({"name": "Ada"}))
    async with both.sdk.chat.completions.stream(
        model="sonnet",
        messages=[{"role": "user", "content": "Who?"}],
        response_format=named(SCHEMA),  # type: ignore[arg-type]
        extra_headers=CLAUDE,
    ) as stream:
        final = await stream.get_final_completion()
    assert final.choices[0].message.content == '{"name":"Ada"}'
    assert final.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("streamed", [pytest.param(False, marks=pytest.mark.exhaustive), True])
async def test_an_invalid_document_is_repaired_once_and_then_an_error(
    streamed: bool, both: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(writes(INVALID), writes({"name": "Ada"}))
    repaired = await both.claude(response_format=named(SCHEMA), stream=streamed)
    assert "Ada" in repaired.text
    assert "nom" not in repaired.text
    before = len(provider.requests)
    for answers in ([writes(INVALID)] * 5, [Says("No.")] * 5):
        provider.clear()
        provider.script(*answers)
        failed = await both.claude(response_format=named(SCHEMA), stream=streamed)
        assert ("stream_error" if streamed else "schema_validation_failed") in failed.text
        assert "valid against the schema" in failed.text
        assert failed.status_code == (200 if streamed else 502)
    assert len(provider.requests) - before <= 2 * 4


async def test_sdks_raise_an_error_for_a_schema_that_is_not_followed(
    sdk_without_retries: AsyncOpenAI, provider: SimulatedProvider
) -> None:
    provider.script(*[writes(INVALID)] * 5)
    with pytest.raises(InternalServerError, match="schema"):
        await sdk_without_retries.chat.completions.create(
            model="sonnet",
            messages=[{"role": "user", "content": "Who?"}],
            response_format={"type": "json_object"} | named(SCHEMA),  # type: ignore[call-overload]
        )


@pytest.fixture
def sdk_without_retries(both: Gateway) -> AsyncOpenAI:
    return both.sdk.with_options(default_headers=CLAUDE, max_retries=0)


async def test_langchain_gets_a_model(both: Gateway, provider: SimulatedProvider) -> None:
    model = ChatOpenAI(
        model="sonnet", base_url=f"{both.url}/v1", api_key=SecretStr("x"), default_headers=CLAUDE
    )
    plan = {"title": "A", "steps": []}
    provider.script(writes(plan), writes(plan))
    for method in ("json_schema", "json_mode"):
        asked = model.with_structured_output(Plan, method=method)
        # Its asynchronous client outlives the event loop of a test.
        answered = await asyncio.to_thread(asked.invoke, "Plan in JSON.")
        assert answered == Plan.model_validate(plan)


async def test_vercels_generate_object_gets_an_object(
    both: Gateway, provider: SimulatedProvider, packages: Path
) -> None:
    program = packages / "generate_object.mjs"
    program.write_text(GENERATE_OBJECT)
    provider.script(writes({"name": "Ada"}), writes({"name": "Eva"}))
    node = await asyncio.create_subprocess_exec(
        "node",
        program,
        f"{both.url}/v1",
        json.dumps(SCHEMA),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, errors = await node.communicate()
    assert printed.decode().split() == ['{"name":"Ada"}', '{"name":"Eva"}'], errors.decode()


async def test_any_json_object_and_roots_that_are_no_objects(
    both: Gateway, provider: SimulatedProvider
) -> None:
    for output, written, said in (
        ({"type": "json_object"}, {"a": [1]}, '{"a":[1]}'),
        (named({"type": "array", "items": {"type": "integer"}}), {"value": [1, 2]}, "[1,2]"),
        (named({"enum": ["yes", "no"]}), {"value": "yes"}, '"yes"'),
        (named({"prefixItems": [{"const": 1}], "type": "array"}), {"value": [1]}, "[1]"),
    ):
        provider.script(writes(written))
        answered = await both.claude(response_format=output)
        assert answered.json()["choices"][0]["message"]["content"] == said


async def test_a_session_changes_its_schema_from_turn_to_turn(
    gateway: GatewayFactory, provider: SimulatedProvider
) -> None:
    async with gateway(claude_warm_processes=1) as running:
        assert (await running.claude("Warm up.")).status_code == 200
        await until(lambda: capacity(running).warm == 1)
        provider.script(writes({"name": "Ada"}), writes({"name": "Eva"}))
        first = await running.claude("Who?", response_format=named(SCHEMA))
        session = {SESSION: first.headers[SESSION]}
        await until(lambda: capacity(running).live == 2)
        again = await running.claude("Who else?", session, response_format=named(SCHEMA))
        assert "Eva" in again.text
        await until(lambda: capacity(running).live == 2)
        provider.script(Says("Just text."), writes({"value": [1]}))
        text = await running.claude("And now?", session)
        assert text.json()["choices"][0]["message"]["content"] == "Just text."
        assert "tools" not in provider.requests[-1].json or not provider.requests[-1].json["tools"]
        other = await running.claude("A list.", session, response_format=named({"type": "array"}))
        assert other.json()["choices"][0]["message"]["content"] == "[1]"
        assert "Who else?" in json.dumps(provider.requests[-1].json["messages"])


@pytest.mark.parametrize(
    "schema", [{"type": "nonsense"}, {"$ref": "http://127.0.0.1:9/x"}, {"pattern": "("}, []]
)
async def test_an_invalid_schema_is_rejected_before_the_model_is_asked(
    schema: object, both: Gateway, provider: SimulatedProvider
) -> None:
    rejected = await both.claude(response_format=named(schema), stream=True)
    error = rejected.json()["error"]
    assert (rejected.status_code, error["param"]) == (400, "response_format")
    assert SESSION not in rejected.headers
    assert provider.requests == []
    assert (capacity(both).active, capacity(both).live) == (0, 0)


async def test_limits_refusals_and_failures_end_a_structured_answer_as_any_other(
    both: Gateway, provider: SimulatedProvider
) -> None:
    output = named(SCHEMA)
    provider.script(writes('{"name": "Ada Lo', stop="max_tokens"))
    cut = (await both.claude(response_format=output, max_tokens=2000)).json()["choices"][0]
    assert (cut["finish_reason"], cut["message"]["content"]) == ("length", '{"name": "Ada Lo')
    provider.clear()
    # Enough also for the process of the cut answer, which may still ask for the rest of it.
    provider.script(*[Says("I cannot.", stop="refusal")] * 10)
    refused = (await both.claude(response_format=output)).json()["choices"][0]
    assert (refused["finish_reason"], refused["message"]["content"]) == ("content_filter", "")
    provider.clear()
    provider.script(*[Fails(400)] * 10)
    assert (await both.claude(response_format=output)).status_code == 400


@pytest.mark.parametrize("streamed", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
async def test_tools_and_a_schema_in_one_request(
    streamed: bool, both: Gateway, provider: SimulatedProvider
) -> None:
    call = Call("look_up", '{"key": "a"}', "toolu_a")
    provider.script(Says("I look.", calls=(call,)), writes({"name": "Ada"}))
    fields: Any = {"tools": [LOOK_UP], "response_format": named(SCHEMA), "stream": streamed}
    called = await both.claude("Who?", **fields)
    assert "tool_calls" in called.text
    assert "I look" not in called.text
    offered: Any = provider.requests[-1].json["tools"]
    assert sorted(it["name"] for it in offered) == sorted(["mcp__client__look_up", TOOL])
    history = [
        {"role": "user", "content": "Who?"},
        {
            "role": "assistant",
            "tool_calls": [
                {
                    "id": "toolu_a",
                    "type": "function",
                    "function": {"name": "look_up", "arguments": call.arguments},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "toolu_a", "content": "Ada"},
    ]
    body = {"model": "sonnet", "messages": history, **fields}
    answered = await both.http.post("/v1/chat/completions", headers=CLAUDE, json=body)
    assert answered.status_code == 200
    assert json.dumps({"name": "Ada"}, separators=(",", ":")).replace('"', '\\"') in answered.text
    assert answered.headers[SESSION] == called.headers[SESSION]


async def test_a_simulated_model_writes_a_document_that_fits(both: Gateway) -> None:
    answered = await both.claude(response_format=named(SCHEMA))
    assert answered.json()["choices"][0]["message"]["content"] == '{"name":"simulated"}'


@pytest.mark.parametrize(
    ("streamed", "repaired"),
    [
        (True, True),
        (False, False),
        pytest.param(True, False, marks=pytest.mark.exhaustive),
        pytest.param(False, True, marks=pytest.mark.exhaustive),
    ],
)
async def test_a_document_that_only_the_gateway_rejects_is_repaired_once(
    streamed: bool, repaired: bool, both: Gateway, provider: SimulatedProvider
) -> None:
    schema = {"type": "array", "prefixItems": [{"const": 1}]}
    provider.script(writes({"value": [2]}), writes({"value": [1 if repaired else 3]}))
    answered = await both.claude(response_format=named(schema), stream=streamed)
    asked = provider.requests[-1].json
    assert "not valid against its schema" in json.dumps(asked["messages"])
    assert len(provider.requests) == 2
    if repaired:
        assert "[1]" in answered.text
        assert "[2]" not in answered.text
        assert answered.text.count('"role":"assistant"') == 1
    else:
        assert ("stream_error" if streamed else "schema_validation_failed") in answered.text
