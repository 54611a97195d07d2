"""Thoughts that no API has signed, in the next request to an upstream of Anthropic's kind."""

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest
from support.gateway import KEY, Gateway, GatewayFactory
from support.strict_provider import StrictProvider, thoughts_in

from modegate.simulator.anthropic_api import SIGNATURE
from modegate.simulator.api import Call, Says

MODEL = "claude-opus-5"
OLDER = "claude-sonnet-4-5@20250929"
HI: Any = {"role": "user", "content": "Hi"}
THINKS: Any = {"type": "adaptive", "display": "summarized"}
BUDGET: Any = {"type": "enabled", "budget_tokens": 2000}
WEATHER: Any = {"name": "weather", "input_schema": {"type": "object"}}
RESULT: Any = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sun"}


@pytest.fixture
async def upstream(environment: dict[str, str]) -> AsyncIterator[StrictProvider]:
    provider = StrictProvider()
    async with provider.running() as url:
        environment["ANTHROPIC_BASE_URL"] = url
        yield provider


@pytest.fixture
async def running(gateway: GatewayFactory, upstream: StrictProvider) -> AsyncIterator[Gateway]:
    def credentials(name: str) -> Any:
        return [{"id": name, "key": "sk-a"}]

    tables = {
        "one": {"kind": "anthropic", "base_url": upstream.url, "credentials": credentials("one")},
        "chat": {
            "base_url": f"{upstream.url}/v1",
            "prefix": "chat",
            "credentials": credentials("chat"),
        },
    }
    async with gateway(
        upstreams=tables,
        default_upstream="one",
        anthropic_api_key=KEY,
        claude_show_reasoning=True,
    ) as found:
        yield found


@pytest.fixture
async def sdk(running: Gateway) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        base_url=running.url, api_key="unused", max_retries=0
    ) as client:
        yield client


async def ask(sdk: anthropic.AsyncAnthropic, *messages: Any, **changed: Any) -> Any:
    asked: Any = {"model": MODEL, "max_tokens": 4000, "thinking": THINKS, "tools": [WEATHER]}
    return await sdk.messages.create(messages=list(messages), **asked | changed)


@pytest.mark.parametrize("mode", ["claude code", "translated"])
async def test_a_conversation_moves_to_anthropics_api(
    sdk: anthropic.AsyncAnthropic, upstream: StrictProvider, mode: str
) -> None:
    upstream.script(Says("Hello.", thinking="Hm."))
    where: Any = {"model": "chat/gpt-5"}
    if mode == "claude code":
        where = {"model": "sonnet", "extra_headers": {"X-Claude-Code": "true"}, "tools": []}
    first = await ask(sdk, HI, **where)
    assert [it.type for it in first.content] == ["thinking", "text"]
    assert first.content[0].signature == ""
    upstream.script(Says("Well."))
    answer = await ask(sdk, HI, {"role": "assistant", "content": first.content}, HI)
    assert answer.content[0].text == "Well."
    assert upstream.rejected == 0
    said: Any = upstream.requests[-1].json["messages"]
    assert [it["type"] for it in said[1]["content"]] == ["text"]


async def test_only_thoughts_without_a_signature_are_left_out(
    running: Gateway, upstream: StrictProvider
) -> None:
    upstream.script(Says("One."), Says("Two."))
    own = {"type": "thinking", "thinking": upstream.thinks("Hm.", None, MODEL)}
    signed = own | {"signature": SIGNATURE}
    foreign = {"type": "thinking", "thinking": "Ha."}
    said = {"type": "text", "text": "Héllo \u2028.", "new": 1.0}
    messages: Any = [
        HI,
        {"role": "assistant", "content": [foreign | {"signature": ""}]},
        HI,
        {"role": "assistant", "content": [foreign, signed, said]},
        HI,
    ]
    body = {"model": MODEL, "max_tokens": 4000, "messages": messages, "thinking": THINKS}
    answer = await running.http.post("/v1/messages", json=body)
    assert answer.status_code == 200, answer.text
    kept = [HI, HI, {"role": "assistant", "content": [signed, said]}, HI]
    assert upstream.requests[-1].json == body | {"messages": kept}
    await running.http.post("/v1/messages/count_tokens", json=body)
    assert upstream.requests[-1].json == body | {"messages": kept}

    raw = b'{"model": "%b", "max_tokens" : 9, "messages": [%b ]}' % (
        MODEL.encode(),
        b'{"role":"user","content":"thinking"}',
    )
    await running.http.post(
        "/v1/messages", content=raw, headers={"content-type": "application/json"}
    )
    assert upstream.requests[-1].body == raw


async def test_calls_go_on_where_older_models_demand_a_thought(
    sdk: anthropic.AsyncAnthropic, upstream: StrictProvider
) -> None:
    upstream.script(Says("", thinking="Hm.", calls=(Call("weather", id="toolu_1"),)), Says("Sun."))
    first = await ask(sdk, HI, model="chat/gpt-5")
    said: Any = {"role": "assistant", "content": first.content}
    results: Any = {"role": "user", "content": [RESULT]}
    last = await ask(sdk, HI, said, results, model=OLDER, thinking=BUDGET)
    assert last.content[0].text == "Sun."
    assert upstream.rejected == 0
    assert "thinking" not in upstream.requests[-1].json

    own = {"type": "thinking", "thinking": upstream.thinks("So.", None, OLDER)}
    kept = [own | {"signature": SIGNATURE}, *first.content]
    upstream.script(Says("Sun."))
    await ask(
        sdk, HI, {"role": "assistant", "content": kept}, results, model=OLDER, thinking=BUDGET
    )
    assert upstream.requests[-1].json["thinking"] == BUDGET
    assert [it["thinking"] for it in thoughts_in(upstream.requests[-1].json)] == ["So."]
    assert upstream.rejected == 0
