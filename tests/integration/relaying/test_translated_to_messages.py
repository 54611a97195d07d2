"""Chat completions and responses, translated for an upstream of Anthropic's kind."""

import json
from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest
from pydantic import BaseModel
from support.gateway import Gateway, GatewayFactory

from modegate.simulator.api import Call, Fails, Says
from modegate.simulator.provider import SimulatedProvider

HI: Any = [{"role": "user", "content": "Hi"}]
MODEL = "claude-sonnet-5-5"
WEATHER: Any = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}


@pytest.fixture
async def upstream() -> AsyncIterator[SimulatedProvider]:
    provider = SimulatedProvider()
    async with provider.running():
        yield provider


@pytest.fixture
async def running(gateway: GatewayFactory, upstream: SimulatedProvider) -> AsyncIterator[Gateway]:
    table = {
        "kind": "anthropic",
        "base_url": upstream.url,
        "credentials": [{"id": "a", "key": "sk-a"}, {"id": "b", "key": "sk-b"}],
        "default_max_tokens": 77,
    }
    async with gateway(upstreams={"claude": table}, upstream_max_retries=0) as found:
        yield found


async def test_chat_completions_complete_and_streamed(
    running: Gateway, upstream: SimulatedProvider
) -> None:
    upstream.script(Says("Hello there.", thinking="Hm.", input_tokens=7, cached_tokens=5))
    answer = await running.sdk.chat.completions.create(
        model=MODEL,
        messages=[{"role": "system", "content": "Be brief."}, *HI],
        temperature=0.5,
        stop=["END"],
        seed=7,
    )
    asked = upstream.requests[-1]
    assert (asked.path, asked.headers["x-api-key"]) == ("/v1/messages", "sk-a")
    assert asked.headers["anthropic-version"] == "2023-06-01"
    assert asked.json == {
        "model": MODEL,
        "max_tokens": 77,
        "system": "Be brief.",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "temperature": 0.5,
        "stop_sequences": ["END"],
    }
    message = answer.choices[0].message
    assert (message.content, answer.choices[0].finish_reason) == ("Hello there.", "stop")
    assert message.model_extra == {"reasoning_content": "Hm."}
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (12, 1)

    upstream.script(Says("one two three", thinking="Hm.", input_tokens=7, cached_tokens=5))
    stream = await running.sdk.chat.completions.create(
        model=MODEL, messages=HI, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert "stream_options" not in upstream.requests[-1].json
    words = [it.choices[0].delta.content or "" for it in chunks if it.choices]
    assert "".join(words) == "one two three"
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (12, 3)


async def test_a_round_of_tools_in_chat_completions(
    running: Gateway, upstream: SimulatedProvider
) -> None:
    upstream.script(Says("", calls=(Call("weather", '{"city": "Paris"}', id="toolu_1"),)))
    asked: dict[str, Any] = {"model": MODEL, "tools": [WEATHER], "parallel_tool_calls": False}
    answer = await running.sdk.chat.completions.create(
        messages=HI, reasoning_effort="high", tool_choice="auto", **asked
    )
    sent = upstream.requests[-1].json
    assert sent["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    assert sent["thinking"] == {"type": "adaptive", "display": "summarized"}
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    upstream.script(Says("Sunny."))
    result: Any = {"role": "tool", "tool_call_id": "toolu_1", "content": "sun"}
    history: Any = [*HI, choice.message.model_dump(exclude_none=True), result]
    last = await running.sdk.chat.completions.create(messages=history, **asked)
    assert last.choices[0].message.content == "Sunny."
    turns: Any = upstream.requests[-1].json["messages"]
    _, said, results = turns
    assert said["content"][-1]["input"] == {"city": "Paris"}
    assert results["content"][0]["tool_use_id"] == "toolu_1"


async def test_the_upstream_fetches_images_itself(
    running: Gateway, upstream: SimulatedProvider
) -> None:
    url = "https://images.example/a.png"
    parts: Any = [
        {"type": "text", "text": "See"},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    await running.sdk.chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": parts}]
    )
    turns: Any = upstream.requests[-1].json["messages"]
    assert turns[0]["content"][1] == {"type": "image", "source": {"type": "url", "url": url}}


class Town(BaseModel):
    name: str


async def test_a_document_is_asked_for_by_its_schema(
    running: Gateway, upstream: SimulatedProvider
) -> None:
    upstream.script(Says('{"name":"Paris"}'))
    answer = await running.sdk.chat.completions.parse(
        model=MODEL, messages=HI, response_format=Town
    )
    assert answer.choices[0].message.parsed == Town(name="Paris")
    config: Any = upstream.requests[-1].json["output_config"]
    assert config["format"]["schema"]["properties"] == {"name": {"title": "Name", "type": "string"}}


async def test_responses_complete_and_streamed(
    running: Gateway, upstream: SimulatedProvider
) -> None:
    upstream.script(Says("Hello there.", input_tokens=7, cached_tokens=5))
    answer = await running.sdk.responses.create(
        model=MODEL, instructions="Be brief.", input="Hi", max_output_tokens=9
    )
    assert answer.output_text == "Hello there."
    assert answer.usage is not None
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (12, 1)
    asked = upstream.requests[-1].json
    assert (asked["system"], asked["max_tokens"]) == ("Be brief.", 9)

    upstream.script(Says("one two", thinking="Hm.", calls=(Call("weather"),)))
    tool: Any = {"type": "function", **WEATHER["function"], "strict": False}
    async with running.sdk.responses.stream(model=MODEL, input="Hi", tools=[tool]) as stream:
        kinds = [event.type async for event in stream]
        whole = await stream.get_final_response()
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    assert [it.type for it in whole.output] == ["reasoning", "message", "function_call"]
    upstream.script(Says("Sunny."))
    call = next(it for it in whole.output if it.type == "function_call")
    output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sun"}
    items: Any = [{"role": "user", "content": "Hi"}]
    items += [it.model_dump(exclude_none=True) for it in whole.output]
    last = await running.sdk.responses.create(model=MODEL, input=[*items, output], tools=[tool])
    assert last.output_text == "Sunny."


@pytest.mark.parametrize(
    ("status", "shown", "kind"),
    [
        (400, 400, openai.BadRequestError),
        (404, 404, openai.NotFoundError),
        (500, 500, openai.InternalServerError),
        (529, 503, openai.InternalServerError),
    ],
)
async def test_errors_are_those_of_openais_api(
    running: Gateway,
    upstream: SimulatedProvider,
    status: int,
    shown: int,
    kind: type[openai.APIStatusError],
) -> None:
    upstream.script(Fails(status, "Why."), Fails(status, "Why."))
    with pytest.raises(kind, match="Why") as told:
        await running.sdk.chat.completions.create(model=MODEL, messages=HI)
    assert told.value.status_code == shown
    upstream.clear()
    upstream.script(Fails(status, "Why."), Fails(status, "Why."))
    with pytest.raises(kind, match="Why"):
        await running.sdk.responses.create(model=MODEL, input="Hi")


async def test_the_next_credential_answers(running: Gateway, upstream: SimulatedProvider) -> None:
    upstream.script(Fails(401), Says("Hello."))
    answer = await running.sdk.chat.completions.create(model=MODEL, messages=HI)
    assert answer.choices[0].message.content == "Hello."
    assert [it.headers["x-api-key"] for it in upstream.requests] == ["sk-a", "sk-b"]


async def test_a_stream_that_breaks_ends_with_an_error(
    running: Gateway, upstream: SimulatedProvider
) -> None:
    upstream.script(Says("one two three", cut_after=2))
    body = {"model": MODEL, "messages": HI, "stream": True}
    response = await running.http.post("/v1/chat/completions", json=body)
    *_, failed, done = response.text.strip().split("\n\n")
    assert done == "data: [DONE]"
    assert json.loads(failed.partition("data: ")[2])["error"]["code"] == "stream_error"
    upstream.script(Says("one two three", cut_after=2))
    body = {"model": MODEL, "input": "Hi", "stream": True}
    response = await running.http.post("/v1/responses", json=body)
    assert response.text.strip().split("\n\n")[-1].startswith("event: response.failed")
