"""Names of tools that are longer than chat completions take."""

from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest
from support.gateway import Gateway, GatewayFactory

from modegate.simulator.api import Call, Says
from modegate.simulator.provider import SimulatedProvider

HI: list[anthropic.types.MessageParam] = [{"role": "user", "content": "Hi"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


@pytest.fixture
async def translating(
    gateway: GatewayFactory, provider: SimulatedProvider
) -> AsyncIterator[Gateway]:
    """A gateway whose upstream speaks chat completions only."""
    async with gateway(openai_api_key="sk-server", openai_base_url=f"{provider.url}/v1") as running:
        yield running


@pytest.fixture
async def sdk(translating: Gateway) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """Anthropic's SDK."""
    async with anthropic.AsyncAnthropic(
        base_url=translating.url, api_key="unused", max_retries=0
    ) as client:
        yield client


def asked(provider: SimulatedProvider) -> Any:
    request = provider.requests[-1]
    assert request.path == "/v1/chat/completions"
    return request.json


@pytest.mark.parametrize("streamed", [False, True])
async def test_long_names_of_tools_are_replaced_and_come_back(
    provider: SimulatedProvider, sdk: anthropic.AsyncAnthropic, streamed: bool
) -> None:
    name = "mcp__plugin_a_server_with_a_long_name__" + "read_the_file_" * 5
    tools: list[Any] = [{"name": name, "input_schema": SCHEMA}]
    wanted: Any = {"type": "tool", "name": name}
    given: Any = {"model": "gpt-5", "max_tokens": 99, "tools": tools, "tool_choice": wanted}

    async def turn(messages: Any) -> anthropic.types.Message:
        if not streamed:
            created: anthropic.types.Message = await sdk.messages.create(**given, messages=messages)
            return created
        async with sdk.messages.stream(**given, messages=messages) as stream:
            return await stream.get_final_message()

    provider.script(Says("Hello."))
    await turn(HI)
    short = asked(provider)["tools"][0]["function"]["name"]
    assert len(short) == 64
    assert asked(provider)["tool_choice"]["function"]["name"] == short
    provider.script(Says("", calls=(Call(short, '{"city": "Paris"}', id="call_1"),)), Says("Sun."))
    answer = await turn(HI)
    (call,) = answer.content
    assert call.type == "tool_use"
    assert call.name == name
    result: Any = {"type": "tool_result", "tool_use_id": "call_1", "content": "22"}
    said: Any = {"role": "assistant", "content": answer.content}
    await turn([*HI, said, {"role": "user", "content": [result]}])
    (called,) = asked(provider)["messages"][1]["tool_calls"]
    assert called["function"]["name"] == short


async def test_long_names_in_responses_come_back_with_their_namespace(
    translating: Gateway, provider: SimulatedProvider
) -> None:
    inner = {"type": "function", "name": "read_the_file_" * 4, "parameters": SCHEMA}
    outer = "a_server_with_a_long_name_of_its_own"
    tools = [{"type": "namespace", "name": outer, "description": "Files.", "tools": [inner]}]
    body = {"model": "gpt-5", "input": "Hi", "tools": tools}
    provider.script(Says("Hello."))
    await translating.http.post("/v1/responses", json=body)
    short = asked(provider)["tools"][0]["function"]["name"]
    assert len(short) == 64
    provider.script(Says("", calls=(Call(short, id="call_1"),)))
    (call,) = (await translating.http.post("/v1/responses", json=body)).json()["output"]
    assert (call["namespace"], call["name"]) == (outer, inner["name"])
