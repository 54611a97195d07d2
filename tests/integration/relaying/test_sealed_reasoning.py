"""Thoughts that clients of the Responses API keep sealed, and hand back."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support.gateway import Gateway, GatewayFactory
from support.strict_provider import StrictProvider, thoughts_in

from modegate.simulator.anthropic_api import SIGNATURE
from modegate.simulator.api import Call, Says

MODEL = "claude-sonnet-5-5"
KEYS = {name: {"key": f"sk-mg-{name}-0123456789"} for name in ("ada", "bob")}
WEATHER = {"type": "function", "name": "weather", "parameters": {"type": "object"}}
HI = {"role": "user", "content": "Hi"}
SEALED = ["reasoning.encrypted_content"]
ASKED = {"model": MODEL, "tools": [WEATHER], "instructions": "Be brief.", "store": False}
CALLS = Call("weather", '{"city": "Paris"}', id="toolu_1")
RESULT = {"type": "function_call_output", "call_id": "toolu_1", "output": "sun"}


@pytest.fixture
async def upstream() -> AsyncIterator[StrictProvider]:
    provider = StrictProvider()
    async with provider.running():
        yield provider


def table(upstream: StrictProvider, kind: str = "anthropic") -> dict[str, Any]:
    base_url = upstream.url if kind == "anthropic" else f"{upstream.url}/v1"
    return {"kind": kind, "base_url": base_url, "credentials": [{"id": kind, "key": "sk-a"}]}


@pytest.fixture
async def running(gateway: GatewayFactory, upstream: StrictProvider) -> AsyncIterator[Gateway]:
    tables = {"one": table(upstream), "chat": table(upstream, "openai") | {"prefix": "chat"}}
    tables["chat"]["responses"] = False
    async with gateway(upstreams=tables, default_upstream="one", keys=KEYS) as found:
        yield found


async def ask(running: Gateway, client: str = "ada", **changed: Any) -> Any:
    body = ASKED | {"include": SEALED, "input": [HI]} | changed
    headers = {"authorization": f"Bearer {KEYS[client]['key']}"}
    answer = await running.http.post("/v1/responses", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer


async def calls_weather(running: Gateway, upstream: StrictProvider, **changed: Any) -> Any:
    """Returns the items of an answer that calls a tool after a thought."""
    thought = upstream.thinks("Hm.", "Be brief.", MODEL)
    upstream.script(Says("", thinking=thought, calls=(CALLS,)), Says("Sunny."))
    return (await ask(running, **changed)).json()["output"]


@pytest.mark.parametrize("summary", [{}, {"reasoning": {"effort": "high", "summary": "auto"}}])
async def test_a_client_hands_a_thought_back(
    running: Gateway, upstream: StrictProvider, summary: Any
) -> None:
    thought, call = await calls_weather(running, upstream, **summary)
    assert (thought["type"], call["type"]) == ("reasoning", "function_call")
    sealed = thought["encrypted_content"]
    assert SIGNATURE not in sealed
    assert "Hm." not in sealed
    last = await ask(running, input=[HI, thought, call, RESULT])
    assert last.json()["output"][-1]["content"][0]["text"] == "Sunny."
    turns: Any = upstream.requests[-1].json["messages"]
    said = turns[1]
    assert said["content"] == [
        {"type": "thinking", "thinking": "Hm.", "signature": SIGNATURE},
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Paris"}},
    ]
    assert upstream.rejected == 0


async def test_a_stream_has_the_sealed_thought_in_each_place(
    running: Gateway, upstream: StrictProvider
) -> None:
    thought = upstream.thinks("Hm.", "Be brief.", MODEL)
    upstream.script(Says("one two", thinking=thought), Says("three"))
    raw = (await ask(running, stream=True)).text
    events = [json.loads(it[6:]) for it in raw.splitlines() if it.startswith("data: ")]
    done = [it["item"] for it in events if it["type"] == "response.output_item.done"]
    whole = events[-1]["response"]["output"]
    assert done == whole
    assert [it["type"] for it in whole] == ["reasoning", "message"]
    await ask(running, input=[HI, *whole, HI], stream=True)
    assert [it["thinking"] for it in thoughts_in(upstream.requests[-1].json)] == ["Hm."]
    assert upstream.rejected == 0


async def test_without_include_nothing_is_sealed(
    running: Gateway, upstream: StrictProvider
) -> None:
    thought, _ = await calls_weather(running, upstream, include=[])
    assert "encrypted_content" not in thought
    assert thought["summary"] == [{"type": "summary_text", "text": "Hm."}]


@pytest.mark.parametrize(
    "foreign", ["client", "changed", "cut", "openai", "model", "upstream", "no text"]
)
async def test_a_thought_that_is_not_the_clients_is_left_out(
    running: Gateway, upstream: StrictProvider, foreign: str
) -> None:
    thought, call = await calls_weather(running, upstream)
    sealed = thought["encrypted_content"]
    changes: dict[str, Any] = {}
    if foreign == "client":
        changes = {"client": "bob"}
    elif foreign == "model":
        changes = {"model": "claude-opus-5"}
    elif foreign == "upstream":
        changes = {"model": "chat/gpt-5"}
    else:
        middle = len(sealed) // 2
        flipped = "A" if sealed[middle] != "A" else "B"
        thought["encrypted_content"] = {
            "changed": f"{sealed[:middle]}{flipped}{sealed[middle + 1 :]}",
            "cut": sealed[:10],
            "openai": "gAAAAABm" + "A" * 100,
            "no text": 7,
        }[foreign]
    await ask(running, input=[HI, thought, call, RESULT], **changes)
    assert thoughts_in_any(upstream.requests[-1].json) == []
    assert "mg1." not in upstream.requests[-1].body.decode()
    assert upstream.rejected == 0


def thoughts_in_any(body: Any) -> list[Any]:
    said = body["messages"]
    assert [it["role"] for it in said if it["role"] != "system"][:2] == ["user", "assistant"]
    return [it for it in said if "thinking" in json.dumps(it)]


async def test_a_thought_outlives_the_gateway_but_not_its_state(
    gateway: GatewayFactory, upstream: StrictProvider, tmp_path: Path
) -> None:
    settings = {"upstreams": {"one": table(upstream)}, "default_upstream": "one", "keys": KEYS}
    async with gateway(**settings) as first:
        thought, call = await calls_weather(first, upstream)
    asked = [HI, thought, call, RESULT]
    async with gateway(**settings) as again:
        await ask(again, input=asked)
    assert len(thoughts_in(upstream.requests[-1].json)) == 1
    async with gateway(**settings, modegate_state_dir=tmp_path / "other") as other:
        await ask(other, input=asked)
    assert thoughts_in(upstream.requests[-1].json) == []
    assert upstream.rejected == 0
    assert (tmp_path / "state" / "keys.secret").stat().st_mode & 0o777 == 0o600


async def test_an_upstream_with_responses_does_not_get_what_it_cannot_open(
    gateway: GatewayFactory, upstream: StrictProvider
) -> None:
    has_it = table(upstream, "openai") | {"prefix": "chat", "responses": True}
    tables = {"one": table(upstream), "chat": has_it}
    own = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    async with gateway(upstreams=tables, default_upstream="one", keys=KEYS) as running:
        thought, call = await calls_weather(running, upstream)
        body = {"model": "chat/gpt-5", "input": [HI, own, thought, call], "top_p": 1.0}
        headers = {"authorization": f"Bearer {KEYS['ada']['key']}"}
        await running.http.post("/v1/responses", json=body, headers=headers)
        await running.http.post("/v1/responses", json=body | {"input": [own]}, headers=headers)
    changed, unchanged = upstream.requests[-2:]
    assert changed.json == body | {"model": "gpt-5", "input": [HI, own, call]}
    assert unchanged.json["input"] == [own]


async def test_a_conversation_that_was_changed_goes_on_without_its_thoughts(
    running: Gateway, upstream: StrictProvider
) -> None:
    thought, call = await calls_weather(running, upstream)
    answer = await ask(running, input=[HI, thought, call, RESULT], instructions="Be loud.")
    assert answer.json()["output"][-1]["content"][0]["text"] == "Sunny."
    assert upstream.rejected == 1
    samples = (await running.http.get("/metrics")).text
    counted = [it for it in samples.splitlines() if it.startswith("modegate_requests_total{")]
    assert sum(float(it.rpartition(" ")[2]) for it in counted) == 2
    assert thoughts_in(upstream.requests[-1].json) == []
    assert upstream.requests[-1].json["system"] == "Be loud."


async def test_a_kept_response_is_continued_with_its_thoughts(
    running: Gateway, upstream: StrictProvider
) -> None:
    thought = upstream.thinks("Hm.", "Be brief.", MODEL)
    upstream.script(Says("", thinking=thought, calls=(CALLS,)), Says("Sunny."))
    first = (await ask(running, store=True, include=[])).json()
    await ask(running, store=True, input=[RESULT], previous_response_id=first["id"])
    assert [it["thinking"] for it in thoughts_in(upstream.requests[-1].json)] == ["Hm."]
    assert upstream.rejected == 0


def interleaved(upstream: StrictProvider) -> list[Any]:
    """Returns an answer that thinks before each of its calls, once without showing anything."""
    thoughts = [upstream.thinks(it, "Be brief.", MODEL) for it in ("Paris.", "Rome.")]
    first, last = ({"type": "thinking", "thinking": it, "signature": SIGNATURE} for it in thoughts)
    calls = [
        {"type": "tool_use", "id": f"toolu_{i}", "name": "weather", "input": {"city": city}}
        for i, city in enumerate(("Paris", "Rome"))
    ]
    redacted = {"type": "redacted_thinking", "data": "c2VjcmV0"}
    text = {"type": "text", "text": "Then Rome."}
    return [first, redacted, calls[0], last, text, calls[1]]


def last_said(upstream: StrictProvider) -> Any:
    body: Any = upstream.requests[-1].json
    return body["messages"][1]["content"]


RESULTS = [RESULT | {"call_id": f"toolu_{i}"} for i in range(2)]


async def test_thoughts_between_calls_come_back_in_their_places(
    running: Gateway, upstream: StrictProvider
) -> None:
    upstream.blocks = said = interleaved(upstream)
    items = (await ask(running)).json()["output"]
    kinds = "reasoning reasoning function_call reasoning message function_call"
    assert [it["type"] for it in items] == kinds.split()
    assert "c2VjcmV0" not in json.dumps(items)
    await ask(running, input=[HI, *items, *RESULTS])
    assert last_said(upstream) == said
    assert upstream.rejected == 0


async def test_a_kept_response_keeps_the_places_of_its_thoughts(
    running: Gateway, upstream: StrictProvider
) -> None:
    upstream.blocks = said = interleaved(upstream)
    first = (await ask(running, store=True, include=[])).json()
    await ask(running, store=True, input=RESULTS, previous_response_id=first["id"])
    assert last_said(upstream) == said
    kept = [{"type": "item_reference", "id": it["id"]} for it in first["output"]]
    await ask(running, store=True, input=[HI, *kept, *RESULTS])
    assert [it["type"] for it in last_said(upstream)] == ["tool_use", "text", "tool_use"]


async def test_a_chat_upstream_gets_the_calls_of_such_an_answer_with_their_results(
    running: Gateway, upstream: StrictProvider
) -> None:
    upstream.blocks = interleaved(upstream)
    items = (await ask(running)).json()["output"]
    await ask(running, input=[HI, *items, *RESULTS], model="chat/gpt-5")
    body: Any = upstream.requests[-1].json
    roles = [it["role"] for it in body["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "tool"]
