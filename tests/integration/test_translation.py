"""Requests in one dialect for upstreams that speak another, through the SDKs of both."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import openai
import pytest
from support.dialects import read_events
from support.gateway import Gateway, GatewayFactory
from support.pictures import png
from support.waiting import until

from modegate.domain.routing.upstream import Upstream
from modegate.simulator.api import Call, Fails, Says
from modegate.simulator.loopback_server import Reply, Request
from modegate.simulator.provider import SimulatedProvider

HI: list[anthropic.types.MessageParam] = [{"role": "user", "content": "Hi"}]
MESSAGE = {"model": "gpt-5", "max_tokens": 99, "messages": HI}
RESPONSE = {"model": "gpt-5", "input": "Hi"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = Call("get_weather", '{"city": "Paris"}', id="call_1")


@pytest.fixture
async def translating(
    gateway: GatewayFactory, provider: SimulatedProvider
) -> AsyncIterator[Gateway]:
    """A gateway without the CLI, whose upstream speaks chat completions only."""
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


async def test_messages_are_answered_by_chat_completions(
    provider: SimulatedProvider, sdk: anthropic.AsyncAnthropic
) -> None:
    provider.script(Says("Hello there.", input_tokens=7, cached_tokens=5), Says("one two three"))
    raw = await sdk.messages.with_raw_response.create(
        model="gpt-5",
        max_tokens=99,
        extra_body={"temperature": 0.5},
        stop_sequences=["END"],
        system=[{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        messages=HI,
        metadata={"user_id": "ada"},
        tools=[{"type": "web_search_20250305", "name": "web_search"}],
    )
    message = await raw.parse()
    assert [it.text for it in message.content if it.type == "text"] == ["Hello there."]
    assert (message.model, message.stop_reason) == ("gpt-5", "end_turn")
    usage = message.usage
    assert (usage.input_tokens, usage.cache_read_input_tokens, usage.output_tokens) == (7, 5, 2)
    assert raw.headers["x-backend-mode"] == "openai-passthrough"
    assert raw.headers["x-modegate-ignored-params"] == "cache_control"
    assert raw.headers["x-modegate-ignored-tools"] == "web_search"
    assert not [it for it in raw.headers if it.startswith("x-claude")]
    assert raw.headers["request-id"] == raw.headers["x-request-id"]
    assert asked(provider) == {
        "model": "gpt-5",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "max_tokens": 99,
        "stop": ["END"],
        "temperature": 0.5,
        "user": "ada",
    }

    async with sdk.messages.stream(model="gpt-5", max_tokens=99, messages=HI) as stream:
        words = [word async for word in stream.text_stream]
        whole = await stream.get_final_message()
    assert "".join(words) == "one two three"
    assert (whole.stop_reason, whole.usage.output_tokens) == ("end_turn", 3)
    assert asked(provider)["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize("streamed", [False, True])
async def test_anthropics_sdk_calls_tools_of_chat_completions(
    provider: SimulatedProvider, sdk: anthropic.AsyncAnthropic, streamed: bool
) -> None:
    provider.script(Says("", calls=(WEATHER, Call("now", id="call_2"))), Says("Sunny."))
    tools: list[Any] = [
        {"name": "get_weather", "input_schema": SCHEMA},
        {"name": "now", "input_schema": {"type": "object"}},
    ]
    messages: list[Any] = list(HI)

    async def turn() -> anthropic.types.Message:
        given: dict[str, Any] = {"model": "gpt-5", "max_tokens": 99, "tools": tools}
        if not streamed:
            created: anthropic.types.Message = await sdk.messages.create(**given, messages=messages)
            return created
        async with sdk.messages.stream(**given, messages=messages) as stream:
            return await stream.get_final_message()

    first = await turn()
    calls = [it for it in first.content if it.type == "tool_use"]
    assert first.stop_reason == "tool_use"
    assert [(it.id, it.name, it.input) for it in calls] == [
        ("call_1", "get_weather", {"city": "Paris"}),
        ("call_2", "now", {}),
    ]
    results = [{"type": "tool_result", "tool_use_id": it.id, "content": "22"} for it in calls]
    messages += [
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [*results, {"type": "text", "text": "Well?"}]},
    ]
    second = await turn()
    assert [it.text for it in second.content if it.type == "text"] == ["Sunny."]
    said = asked(provider)["messages"]
    assert [it["role"] for it in said] == ["user", "assistant", "tool", "tool"]
    assert json.loads(said[1]["tool_calls"][0]["function"]["arguments"]) == {"city": "Paris"}
    assert [it["content"] for it in said[2:]] == ["22", "22\n\nWell?"]


async def test_responses_are_answered_by_chat_completions(
    translating: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says("Hello there.", input_tokens=7, cached_tokens=5))
    raw = await translating.sdk.responses.with_raw_response.create(
        model="gpt-5",
        instructions="Be brief.",
        input="Hi",
        max_output_tokens=99,
        temperature=0.5,
        reasoning={"effort": "minimal"},
        tools=[{"type": "web_search"}],
        truncation="auto",
    )
    response = raw.parse()
    assert (response.output_text, response.status) == ("Hello there.", "completed")
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (12, 2)
    assert raw.headers["x-backend-mode"] == "openai-passthrough"
    assert raw.headers["x-modegate-ignored-tools"] == "web_search"
    assert raw.headers["x-modegate-ignored-params"] == "truncation"
    assert asked(provider) == {
        "model": "gpt-5",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        "max_tokens": 99,
        "temperature": 0.5,
        "reasoning_effort": "minimal",
    }
    paths = [it.path for it in provider.requests]
    assert paths == ["/v1/responses", "/v1/chat/completions"]

    provider.script(Says("one two three"))
    async with translating.sdk.responses.stream(model="gpt-5", input="Hi") as stream:
        deltas = [it.delta async for it in stream if it.type == "response.output_text.delta"]
        whole = await stream.get_final_response()
    assert "".join(deltas) == whole.output_text == "one two three"
    assert [it.path for it in provider.requests][2:] == ["/v1/chat/completions"]  # asked once


async def test_a_response_goes_on_with_calls_and_is_kept_by_the_gateway(
    translating: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says("", calls=(WEATHER,)), Says("Sunny."))
    tools: list[Any] = [{"type": "function", "name": "get_weather", "parameters": SCHEMA}]
    first = await translating.sdk.responses.create(model="gpt-5", input="Weather?", tools=tools)
    (call,) = first.output
    assert call.type == "function_call"
    second = await translating.sdk.responses.create(
        model="gpt-5",
        previous_response_id=first.id,
        tools=tools,
        input=[{"type": "function_call_output", "call_id": call.call_id, "output": "22"}],
    )
    assert second.output_text == "Sunny."
    said = asked(provider)["messages"]
    assert [it["role"] for it in said] == ["user", "assistant", "tool"]
    assert (await translating.sdk.responses.retrieve(second.id)).output_text == "Sunny."
    provider.script(Says("one two"), Says("three"))
    async with translating.sdk.responses.stream(model="gpt-5", input="Count.") as stream:
        streamed = await stream.get_final_response()
    kept = await translating.sdk.responses.with_raw_response.retrieve(streamed.id)
    assert kept.parse().output_text == "one two"
    assert kept.headers["X-Backend-Mode"] == "openai-passthrough"
    await translating.sdk.responses.create(
        model="gpt-5", input="Go on.", previous_response_id=streamed.id
    )
    assert [it["content"] for it in asked(provider)["messages"]] == ["Count.", "one two", "Go on."]
    with pytest.raises(openai.BadRequestError) as unknown:
        await translating.sdk.responses.create(
            model="gpt-5", input="Hi", previous_response_id="resp_mg_unknown"
        )
    assert unknown.value.code == "previous_response_not_found"


async def test_items_of_kept_responses_are_sent_in_place_of_references_to_them(
    translating: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says("Let me look.", calls=(WEATHER,)), Says("Sunny."))
    tools: list[Any] = [{"type": "function", "name": "get_weather", "parameters": SCHEMA}]
    first = await translating.sdk.responses.create(model="gpt-5", input="Weather?", tools=tools)
    said, call = first.output
    assert call.type == "function_call"
    second = await translating.sdk.responses.create(
        model="gpt-5",
        tools=tools,
        input=[
            {"role": "user", "content": "Weather?"},
            {"type": "item_reference", "id": str(said.id)},
            {"type": "item_reference", "id": str(call.id)},
            {"type": "function_call_output", "call_id": call.call_id, "output": "22"},
        ],
    )
    assert second.output_text == "Sunny."
    user, assistant, result = asked(provider)["messages"]
    assert (user["content"], assistant["content"]) == ("Weather?", "Let me look.")
    assert assistant["tool_calls"][0]["id"] == result["tool_call_id"] == call.call_id


async def test_errors_of_the_upstream_have_the_clients_form(
    translating: Gateway, provider: SimulatedProvider, sdk: anthropic.AsyncAnthropic
) -> None:
    provider.script(Fails(429, "Slow down.", {"retry-after": "7", "x-should-retry": "false"}))
    with pytest.raises(anthropic.RateLimitError) as limited:
        await sdk.messages.create(model="gpt-5", max_tokens=99, messages=HI)
    body: Any = limited.value.body
    assert body["error"] == {"type": "rate_limit_error", "message": "Slow down."}
    assert body["request_id"] == limited.value.response.headers["request-id"]
    assert limited.value.response.headers["retry-after"] == "7"

    overloaded = [Fails(529, "Busy.", {"x-should-retry": "false"})] * 3
    provider.script(overloaded[0])
    refused = await translating.http.post("/v1/messages", json=MESSAGE)
    assert (refused.status_code, refused.json()["error"]["type"]) == (529, "overloaded_error")
    assert refused.json()["error"]["message"] == "Busy."
    provider.script(overloaded[0], overloaded[1])  # /responses is answered by the script's 404
    refused = await translating.http.post("/v1/responses", json=RESPONSE | {"stream": True})
    assert (refused.status_code, refused.json()["error"]["message"]) == (503, "Busy.")


async def test_a_stream_that_breaks_ends_in_the_clients_form(
    translating: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says("one two three", cut_after=2), Says("one two three", cut_after=2))
    messages = await translating.http.post("/v1/messages", json=MESSAGE | {"stream": True})
    names = [name for name, _ in read_events(messages.content)]
    assert (names[0], names[-1]) == ("message_start", "error")
    assert "message_stop" not in names
    responses = await translating.http.post("/v1/responses", json=RESPONSE | {"stream": True})
    names = [name for name, _ in read_events(responses.content)]
    assert (names[0], names[-1]) == ("response.created", "response.failed")
    assert "response.completed" not in names


async def test_an_error_in_a_stream_is_one_of_the_clients_dialect(
    translating: Gateway, provider: SimulatedProvider
) -> None:
    async def breaks(_: Request, reply: Reply) -> None:
        await reply.begin({"content-type": "text/event-stream"})
        chunk = {"choices": [{"index": 0, "delta": {"content": "one"}, "finish_reason": None}]}
        await reply.chunk(b"data: %b\n\n" % json.dumps(chunk).encode())
        await reply.chunk(b'data: {"error": {"message": "Gone.", "code": 500}}\n\n')
        await reply.end()

    provider.script(breaks)
    answer = await translating.http.post("/v1/messages", json=MESSAGE | {"stream": True})
    (*_, (name, last)) = read_events(answer.content)
    assert (name, last["error"]["type"]) == ("error", "api_error")
    assert "Gone" in last["error"]["message"]


async def test_a_client_that_disconnects_ends_the_exchange(
    translating: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says("word " * 2000, delay=0.01))
    async with translating.http.stream(
        "POST", "/v1/messages", json=MESSAGE | {"stream": True}
    ) as response:
        await anext(response.aiter_bytes())
    await until(lambda: provider.abandoned == 1)


async def test_tokens_of_a_message_are_estimated(
    translating: Gateway, provider: SimulatedProvider
) -> None:
    counted = await translating.http.post("/v1/messages/count_tokens", json=MESSAGE)
    assert counted.json()["input_tokens"] > 0
    assert counted.headers["x-usage-estimated"] == "true"
    assert not provider.requests


@pytest.mark.parametrize(("setting", "asks"), [(True, True), (False, False), ("auto", True)])
async def test_the_operator_may_say_whether_an_upstream_has_responses(
    gateway: GatewayFactory, provider: SimulatedProvider, setting: object, asks: bool
) -> None:
    table = {
        "base_url": f"{provider.url}/v1",
        "responses": setting,
        "credentials": [{"id": "a", "key": "sk-a"}],
    }
    provider.script(Says("Hello."))
    async with gateway(upstreams={"one": table}, default_upstream="one") as running:
        answer = await running.http.post("/v1/responses", json=RESPONSE)
    assert ("/v1/responses" in [it.path for it in provider.requests]) is asks
    assert answer.status_code == (404 if setting is True else 200)


async def test_a_model_that_is_missing_says_nothing_about_the_operation(
    gateway: GatewayFactory,
) -> None:
    error = {"error": {"message": "The model `x` does not exist", "code": "model_not_found"}}

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps(error).encode()
        head = b"HTTP/1.1 404 Not Found\r\ncontent-type: application/json\r\nconnection: close\r\n"
        writer.write(head + b"content-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/v1"
        async with gateway(openai_api_key="sk-server", openai_base_url=url) as running:
            answer = await running.http.post("/v1/responses", json=RESPONSE)
            missing = running.container.missing_responses()
            assert not missing.has(Upstream(name="openai", base_url=url))
    assert (answer.status_code, answer.json()) == (404, error)


async def test_usage_and_budgets_are_those_of_relayed_requests(
    gateway: GatewayFactory, provider: SimulatedProvider
) -> None:
    provider.script(Says("Hello there.", input_tokens=7, cached_tokens=5))
    keys = {"ada": {"key": "sk-mg-ada-0123456789", "budget": {"tokens": 60, "period": "day"}}}
    async with gateway(
        openai_api_key="sk-server", openai_base_url=f"{provider.url}/v1", keys=keys
    ) as running:
        headers = {"x-api-key": "sk-mg-ada-0123456789"}
        body = MESSAGE | {"max_tokens": 5}
        first = await running.http.post("/v1/messages", json=body, headers=headers)
        assert first.status_code == 200
        refused = await running.http.post("/v1/messages", json=MESSAGE, headers=headers)
    assert (refused.status_code, refused.json()["error"]["type"]) == (429, "rate_limit_error")


@pytest.fixture
async def to_anthropic(
    gateway: GatewayFactory, provider: SimulatedProvider
) -> AsyncIterator[Gateway]:
    """A gateway whose only upstream speaks Anthropic's API."""
    table = {
        "kind": "anthropic",
        "base_url": provider.url,
        "default_max_tokens": 77,
        "credentials": [{"id": "a", "key": "sk-ant-a"}],
    }
    async with gateway(upstreams={"one": table}, default_upstream="one") as running:
        yield running


async def test_chat_completions_are_answered_by_messages(
    to_anthropic: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(
        Says("Hello there.", input_tokens=7, cached_tokens=5),
        Says("one two three"),
        Says("one two three", cut_after=2),
        Fails(529, "Busy.", {"x-should-retry": "false"}),
    )
    raw = await to_anthropic.sdk.chat.completions.with_raw_response.create(
        model="claude", messages=[{"role": "user", "content": "Hi"}], temperature=0.5, seed=7
    )
    completion = raw.parse()
    assert completion.choices[0].message.content == "Hello there."
    assert completion.usage is not None
    assert completion.usage.prompt_tokens == 12
    assert raw.headers["x-modegate-ignored-params"] == "seed"
    request = provider.requests[-1]
    assert request.path == "/v1/messages"
    assert (request.json["max_tokens"], request.json["temperature"]) == (77, 0.5)

    streamed = await to_anthropic.chat("claude", stream=True)
    assert streamed.text.endswith("data: [DONE]\n\n")
    chunks = [data for _, data in read_events(streamed.content.removesuffix(b"data: [DONE]\n\n"))]
    texts = [it["choices"][0]["delta"].get("content", "") for it in chunks]
    assert "".join(texts) == "one two three"
    cut = await to_anthropic.chat("claude", stream=True)
    assert '"code": "stream_error"' in cut.text
    refused = await to_anthropic.chat("claude")
    assert (refused.status_code, refused.json()["error"]["message"]) == (503, "Busy.")


async def test_responses_are_answered_by_messages(
    to_anthropic: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says("one two"))
    async with to_anthropic.sdk.responses.stream(model="claude", input="Hi") as stream:
        whole = await stream.get_final_response()
    assert (whole.output_text, whole.status) == ("one two", "completed")
    assert [it.path for it in provider.requests] == ["/v1/messages"]


async def test_images_reach_the_upstream_as_data_or_links(
    provider: SimulatedProvider, sdk: anthropic.AsyncAnthropic
) -> None:
    provider.script(Says("A square."))
    data = base64.b64encode(png(2, 2)).decode()
    content: Any = [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
        {"type": "image", "source": {"type": "url", "url": "https://pictures.example/a.png"}},
        {"type": "text", "text": "What is it?"},
    ]
    await sdk.messages.create(
        model="gpt-5", max_tokens=99, messages=[{"role": "user", "content": content}]
    )
    parts = asked(provider)["messages"][0]["content"]
    assert [it.get("image_url", {}).get("url") for it in parts] == [
        f"data:image/png;base64,{data}",
        "https://pictures.example/a.png",
        None,
    ]
