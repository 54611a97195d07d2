"""With the real CLI: a client that sends no session id, but the whole conversation each time."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI
from support.gateway import CLAUDE, KEY, Gateway, GatewayFactory
from support.waiting import until

from modegate.simulator.api import Says
from modegate.simulator.provider import SimulatedProvider

CREATED, SESSION = "X-Claude-Session-Created", "X-Claude-Session-ID"
OTHER = "sk-other-client-0123456789"

Messages = list[dict[str, Any]]


@pytest.fixture
async def running(gateway: GatewayFactory, provider: SimulatedProvider) -> AsyncIterator[Gateway]:
    assert provider.url
    async with gateway(api_keys=f"{KEY},{OTHER}") as running:
        yield running


async def ask(gateway: Gateway, messages: Messages, key: str = KEY) -> Any:
    response = await gateway.http.post(
        "/v1/chat/completions",
        json={"model": "sonnet", "messages": messages},
        headers={**CLAUDE, "Authorization": f"Bearer {key}"},
    )
    assert response.status_code == 200, response.text
    await until(lambda: gateway.container.claude_cli().status().capacity.active == 0)
    return response


def is_new(response: Any) -> bool:
    return CREATED in response.headers


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def assistant(text: str, **fields: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": text, **fields}


def answer_in(response: Any) -> dict[str, Any]:
    message: dict[str, Any] = response.json()["choices"][0]["message"]
    return message


def turns_in(body: Any) -> list[tuple[str, Any]]:
    """Returns what the model was asked, without what the CLI adds to it."""
    turns = []
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        kept = [_said(it) for it in blocks]
        if message["role"] != "system" and any(kept):
            turns.append((message["role"], [it for it in kept if it]))
    return turns


def _said(block: dict[str, Any]) -> Any:
    if block["type"] == "text":
        return "" if "<system-reminder>" in block["text"] else block["text"].strip()
    if block["type"] == "tool_use":
        return (block["id"], block["name"], block["input"])
    content = block["content"]
    text = content if isinstance(content, str) else "".join(it.get("text", "") for it in content)
    return (block["tool_use_id"], text.partition("\n\n<system-reminder>")[0])


def asked(provider: SimulatedProvider) -> list[tuple[str, Any]]:
    return turns_in(provider.requests[-1].json)


@pytest.mark.parametrize("stream", [pytest.param(False, marks=pytest.mark.exhaustive), True])
async def test_a_history_kept_by_the_client_is_one_session_for_the_model(
    running: Gateway, provider: SimulatedProvider, stream: bool
) -> None:
    history: Messages = [{"role": "system", "content": "Be brief."}]
    expected: list[tuple[str, Any]] = []
    sessions = []
    prefix: list[Any] = []
    async with AsyncOpenAI(
        base_url=f"{running.url}/v1", api_key=KEY, default_headers=CLAUDE
    ) as sdk:
        for number in range(4):
            provider.script(Says(f"answer {number}"))
            history.append(user(f"question {number}"))
            expected.append(("user", [f"question {number}"]))
            create: Any = sdk.chat.completions.with_raw_response.create
            raw = await create(model="sonnet", messages=history, stream=stream)
            if stream:
                text = "".join(
                    [it.choices[0].delta.content or "" async for it in raw.parse() if it.choices]
                )
                history.append(assistant(text))
            else:
                history.append(raw.parse().choices[0].message.model_dump())
            await until(lambda: running.container.claude_cli().status().capacity.active == 0)
            assert (CREATED in raw.headers) is (number == 0)
            sessions.append(raw.headers[SESSION])
            assert asked(provider) == expected
            expected.append(("assistant", [f"answer {number}"]))
            # What the model has read before comes again unchanged, so its cache is used.
            body = without_cache_marks(provider.requests[-1].json["messages"])
            assert body[: len(prefix)] == prefix
            prefix = body
    assert len({*sessions}) == 1


def without_cache_marks(messages: Any) -> list[Any]:
    """Returns messages as the provider's cache compares them; the CLI may write a text as a block."""
    found = json.loads(json.dumps(messages))
    for message in found:
        if isinstance(message["content"], str):
            message["content"] = [{"type": "text", "text": message["content"]}]
        for block in message["content"]:
            block.pop("cache_control", None)
    return [it for it in found if it["role"] != "system"]


async def test_another_conversation_begins_anew_with_its_history_as_turns(
    running: Gateway, provider: SimulatedProvider
) -> None:
    first = await ask(running, [user("one")])
    said = [user("one"), answer_in(first)]
    text = said[1]["content"]
    for messages, seen in (
        # Edited, shortened, of another client, with another system prompt.
        ([user("ONE"), said[1], user("two")], ["ONE", text, "two"]),
        ([user("one"), assistant("cut"), user("two")], ["one", "cut", "two"]),
        ([{"role": "system", "content": "x"}, *said, user("two")], ["one", text, "two"]),
    ):
        response = await ask(running, messages)
        assert is_new(response)
        assert [it for _, blocks in asked(provider) for it in blocks] == seen
        assert [role for role, _ in asked(provider)] == ["user", "assistant", "user"]
    other = await ask(running, [*said, user("two")], OTHER)
    assert is_new(other)
    # Its own session is still found, and so is that of the other client.
    own = await ask(running, [*said, user("two")])
    assert own.headers[SESSION] == first.headers[SESSION]
    assert not is_new(own)
    again = await ask(running, [*said, user("two"), answer_in(other), user("three")], OTHER)
    assert again.headers[SESSION] == other.headers[SESSION]


async def test_of_two_requests_with_one_history_one_begins_anew(
    running: Gateway, provider: SimulatedProvider
) -> None:
    first = await ask(running, [user("one")])
    provider.script(Says("a slow answer", delay=0.5), Says("a slow answer", delay=0.5))
    messages = [user("one"), answer_in(first), user("two")]
    found = await asyncio.gather(ask(running, messages), ask(running, messages))
    assert sorted(map(is_new, found)) == [False, True]
    assert len({it.headers[SESSION] for it in found}) == 2


async def test_a_lost_conversation_is_answered_from_the_history(
    gateway: GatewayFactory, provider: SimulatedProvider
) -> None:
    # Without a living process, which would write into the folder while that is removed.
    async with gateway(api_keys=KEY, claude_process_mode="oneshot") as running:
        first = await ask(running, [user("one")])
        session = first.headers[SESSION]
        state: Path = running.container.settings().modegate_state_dir
        shutil.rmtree(state / "sessions" / session)
        response = await ask(running, [user("one"), answer_in(first), user("two")])
        assert is_new(response)
        assert response.headers[SESSION] != session
        assert [role for role, _ in asked(provider)] == ["user", "assistant", "user"]


async def test_a_turn_that_its_client_left_is_not_part_of_the_history(
    running: Gateway, provider: SimulatedProvider
) -> None:
    first = await ask(running, [user("one")])
    messages = [user("one"), answer_in(first), user("two")]
    provider.script(Says("word " * 6, delay=5.0))
    body = {"model": "sonnet", "messages": messages, "stream": True}
    headers = {**CLAUDE, "Authorization": f"Bearer {KEY}"}
    async with running.http.stream(
        "POST", "/v1/chat/completions", json=body, headers=headers
    ) as stream:
        async for line in stream.aiter_lines():
            if "word" in line:
                break
    await until(lambda: running.container.claude_cli().status().capacity.active == 0)
    await ask(running, messages)
    assert [it for _, blocks in asked(provider) for it in blocks] == [
        "one",
        answer_in(first)["content"],
        "two",
    ]


async def test_a_history_with_calls_reaches_the_model_as_calls_and_results(
    running: Gateway, provider: SimulatedProvider
) -> None:
    call = {
        "id": "call_1",
        "type": "function",
        "function": {"name": "weather", "arguments": '{"city": "Paris"}'},
    }
    said = [user("The weather?"), assistant("Let me look.", tool_calls=[call])]
    result = {"role": "tool", "tool_call_id": "call_1", "content": "sun"}
    seen = [
        ("user", ["The weather?"]),
        ("assistant", ["Let me look.", ("call_1", "mcp__client__weather", {"city": "Paris"})]),
    ]
    # It goes on from results without a word of the user's; the CLI adds the last text.
    provider.script(Says("It is sunny."))
    first = await ask(running, [*said, result])
    assert asked(provider) == [
        *seen,
        ("user", [("call_1", "sun"), "Continue from where you left off."]),
    ]
    # The session goes on, also where an SDK has written the arguments anew.
    anew = {**call, "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}
    rewritten = assistant("Let me look.", tool_calls=[anew], refusal=None)
    later = [user("The weather?"), rewritten, result, answer_in(first), user("/cost?")]
    second = await ask(running, later)
    assert second.headers[SESSION] == first.headers[SESSION]
    assert asked(provider)[3:] == [("assistant", ["It is sunny."]), ("user", ["/cost?"])]
    # What the user says to results follows them, and a call without a result has one.
    await ask(running, [*said, result, user("/cost!")])
    assert asked(provider) == [*seen, ("user", [("call_1", "sun"), "/cost!"])]
    await ask(running, [*said, user("Never mind.")])
    assert asked(provider)[2][1][-1] == "Never mind."


async def test_a_history_that_ends_with_an_answer_is_gone_on_with(
    running: Gateway, provider: SimulatedProvider
) -> None:
    await ask(running, [user("Count."), assistant("one, two,")])
    assert asked(provider) == [
        ("user", ["Count."]),
        ("assistant", ["one, two,"]),
        ("user", ["Continue from where you left off."]),
    ]


async def test_without_the_setting_each_request_without_an_id_begins_anew(
    gateway: GatewayFactory, provider: SimulatedProvider
) -> None:
    async with gateway(claude_continue_by_history=False) as running:
        first = await running.claude("one")
        messages = [user("one"), answer_in(first), user("two")]
        body = {"model": "sonnet", "messages": messages}
        second = await running.http.post("/v1/chat/completions", json=body, headers=CLAUDE)
        assert is_new(second)
        assert [role for role, _ in asked(provider)] == ["user", "assistant", "user"]


@pytest.mark.parametrize(
    ("path", "said", "last"),
    [
        ("/v1/chat/completions", "messages", "[DONE]"),
        ("/v1/messages", "messages", "message_stop"),
        ("/v1/responses", "input", "response.completed"),
    ],
)
async def test_a_client_may_leave_with_the_last_event_and_go_on(
    path: str, said: str, last: str, running: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(Says("Hello Ada."), Says("You are Ada."))
    headers = {**CLAUDE, "Authorization": f"Bearer {KEY}"}
    history = [user("I am Ada.")]
    asked = {"model": "sonnet", "max_tokens": 99, said: history, "stream": True}
    async with running.http.stream("POST", path, json=asked, headers=headers) as response:
        async for line in response.aiter_lines():
            if last in line:
                break
    later = [*history, assistant("Hello Ada."), user("Who am I?")]
    second = await running.http.post(
        path, json={**asked, said: later, "stream": False}, headers=headers
    )
    assert "You are Ada." in second.text
    assert not is_new(second)
    assert second.headers[SESSION] == response.headers[SESSION]
