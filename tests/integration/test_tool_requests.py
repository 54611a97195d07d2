"""Over HTTP, with the real CLI and OpenAI's SDK: tools in requests, with sessions and without."""

import asyncio
import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from openai import BadRequestError
from support.gateway import CLAUDE, Gateway, GatewayFactory
from support.tool_turns import process_of
from support.waiting import until

from modegate.simulator.anthropic_api import AnthropicDialect
from modegate.simulator.api import Call, Says
from modegate.simulator.loopback_server import Reply, Request
from modegate.simulator.provider import SimulatedProvider

SESSION = "X-Claude-Session-ID"
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "look_up",
        "parameters": {"type": "object", "properties": {"key": {"type": "string"}}},
    },
}
CANARY = re.compile(r"canary-\w+")


class Chat:
    """A client that keeps the history, runs its tools and sends no session, unless told to."""

    def __init__(self, gateway: Gateway, key: str = "", *, streamed: bool = False) -> None:
        sdk = gateway.sdk.with_options(api_key=key) if key else gateway.sdk
        self._completions: Any = sdk.chat.completions
        self._streamed = streamed
        self.messages: list[Any] = []
        self.session: str | None = None
        self.headers: dict[str, str] = {**CLAUDE}

    async def ask(self, *messages: Any) -> Any:
        """Adds the messages, and returns the answer's message."""
        self.messages += messages
        return await self.again()

    async def again(self) -> Any:
        """Sends all messages."""
        raw = await self._completions.with_raw_response.create(
            model="sonnet",
            messages=self.messages,
            tools=[TOOL],
            stream=self._streamed,
            extra_headers=self.headers,
        )
        self.session = raw.headers[SESSION]
        answer: Any = raw.parse()
        if not self._streamed:
            return answer.choices[0].message
        calls: dict[int, Any] = {}
        text, reason = "", None
        async for chunk in answer:
            delta = chunk.choices[0].delta
            text += delta.content or ""
            for call in delta.tool_calls or ():
                calls.setdefault(call.index, call)
                if calls[call.index] is not call:
                    calls[call.index].function.arguments += call.function.arguments
            reason = chunk.choices[0].finish_reason or reason
        assert reason == ("tool_calls" if calls else "stop")
        return Message(text or None, [calls[it] for it in sorted(calls)] or None)

    async def loop(self, text: str) -> str:
        """Asks until there is an answer without calls; each call gets its key as its result."""
        message = await self.ask(user(text))
        while message.tool_calls:
            self.messages.append(said(message))
            message = await self.ask(
                *[
                    tool(it.id, json.loads(it.function.arguments)["key"])
                    for it in message.tool_calls
                ]
            )
        self.messages.append(said(message))
        return str(message.content)


class Message:
    def __init__(self, content: str | None, tool_calls: Any) -> None:
        self.content = content
        self.tool_calls = tool_calls


def user(text: str) -> Any:
    return {"role": "user", "content": text}


def tool(call_id: str, text: str) -> Any:
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def said(message: Any) -> Any:
    calls = [
        {
            "id": it.id,
            "type": "function",
            "function": {"name": it.function.name, "arguments": it.function.arguments},
        }
        for it in message.tool_calls or ()
    ]
    return {
        "role": "assistant",
        "content": message.content,
        **({"tool_calls": calls} if calls else {}),
    }


async def model(request: Request, reply: Reply) -> None:
    """Looks up the canary of the last message, and then says what the result was."""
    messages: Any = request.json["messages"]
    last = [it for it in messages if it["role"] == "user"][-1]
    found = CANARY.findall(json.dumps(last))
    answer = Says(" ".join(found))
    if not any(word in json.dumps(last) for word in ("tool_result", "Tool: ")):
        answer = Says("", calls=tuple(Call("look_up", json.dumps({"key": it})) for it in found))
    await AnthropicDialect().say(request, reply, answer)


def parked(gateway: Gateway) -> int:
    return int(gateway.container.claude_cli().status().capacity.parked)


@pytest.mark.parametrize("streamed", [pytest.param(False, marks=pytest.mark.exhaustive), True])
async def test_a_loop_of_tools_continues_its_session_without_a_header(
    streamed: bool, both: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(*[model] * 2)
    chat = Chat(both, streamed=streamed)
    message = await chat.ask(user("canary-a canary-b?"))
    first = chat.session
    shown = (await both.http.get("/v1/sessions", headers=CLAUDE)).json()["data"]
    assert [(it["id"], it["parked"]) for it in shown] == [(first, True)]
    health = (await both.http.get("/health")).json()["checks"]["capacity"]
    assert (health["parked"], health["active"]) == (1, 0)
    assert "modegate_claude_parked_turns 1.0" in (await both.http.get("/metrics")).text
    chat.messages.append(said(message))
    ids = [it.id for it in message.tool_calls]
    message = await chat.ask(tool(ids[1], "canary-second"), tool(ids[0], "canary-first"))
    assert sorted(message.content.split()) == ["canary-first", "canary-second"]
    assert chat.session == first
    assert parked(both) == 0
    # The same request again, as an SDK retries: another session goes on from the history.
    provider.script(model)
    again = await chat.again()
    assert {*again.content.split()} >= {"canary-first", "canary-second"}
    assert chat.session != first


async def test_wrong_results_name_the_calls_and_leave_the_parked_turn(
    both: Gateway, provider: SimulatedProvider
) -> None:
    provider.script(*[model] * 2)
    chat = Chat(both)
    message = await chat.ask(user("canary-a canary-b?"))
    a, b = (it.id for it in message.tool_calls)
    before = [*chat.messages, said(message)]
    for results, word in (
        ([tool(a, "1")], f"missing: {b}"),
        ([tool(a, "1"), tool(b, "2"), tool(a, "3")], f"more than one result: {a}"),
        ([tool(a, "1"), tool(b, "2"), tool("call_unknown", "3")], "call_unknown"),
    ):
        for session in ({}, {SESSION: str(chat.session)}):
            chat.headers = CLAUDE | session
            chat.messages = [*before, *results]
            with pytest.raises(BadRequestError, match=word):
                await chat.again()
    chat.messages = [user("?"), tool("call_unknown", "3")]
    chat.headers = {**CLAUDE}
    with pytest.raises(BadRequestError, match="No result is awaited"):
        await chat.again()
    assert parked(both) == 1
    # With the session's header, the results alone are enough.
    chat.headers = CLAUDE | {SESSION: str(chat.session)}
    chat.messages = [tool(b, "canary-b"), tool(a, "canary-a")]
    assert (await chat.again()).content


@pytest.mark.parametrize("clients", [8, pytest.param(20, marks=pytest.mark.exhaustive)])
async def test_many_clients_at_once_get_only_their_own_calls(
    clients: int, gateway: GatewayFactory, provider: SimulatedProvider
) -> None:
    keys = tuple(f"sk-client-{number:04}" for number in range(clients))
    provider.script(*[model] * 400)
    settings = {"max_concurrent_processes": 4, "pool_queue_timeout_ms": 60_000}
    async with gateway(api_keys=keys, claude_parked_turns=clients, **settings) as running:
        chats = [Chat(running, key, streamed=bool(at % 2)) for at, key in enumerate(keys)]
        asked = [f"canary-{number}x canary-{number}y" for number in range(clients)]

        async def check(chat: Chat, text: str) -> None:
            assert sorted((await chat.loop(text)).split()) == sorted(text.split())

        await asyncio.gather(*map(check, chats, asked))
        await until(lambda: parked(running) == 0)
        # A result of another client's call is answered from the request's own history.
        first, other = Chat(running, keys[0]), Chat(running, keys[1])
        message = await first.ask(user("canary-mine"))
        other.messages = [user("canary-theirs"), said(message)]
        await other.ask(tool(message.tool_calls[0].id, "canary-stolen"))
        assert other.session != first.session
        assert parked(running) == 1


@pytest.mark.parametrize(
    ("with_header", "is_stored"),
    [
        (True, True),
        pytest.param(False, True, marks=pytest.mark.exhaustive),
        pytest.param(True, False, marks=pytest.mark.exhaustive),
        (False, False),
    ],
)
async def test_results_go_on_after_a_restart_of_the_gateway(
    with_header: bool,
    is_stored: bool,
    gateway: GatewayFactory,
    provider: SimulatedProvider,
    tmp_path: Path,
) -> None:
    provider.script(*[model] * 2)
    async with gateway() as running:
        chat = Chat(running)
        message = await chat.ask(user("canary-a?"))
        messages, session = [*chat.messages, said(message)], str(chat.session)
    transcripts = [*(tmp_path / "state/sessions" / session).rglob(f"{session}.jsonl")]
    assert transcripts
    if not is_stored:  # as after a kill right behind the answer
        for path in transcripts:
            path.write_text("")
    async with gateway() as running:
        chat = Chat(running)
        chat.messages = messages
        chat.headers = CLAUDE | ({SESSION: session} if with_header else {})
        answer = await chat.ask(tool(message.tool_calls[0].id, "canary-late"))
        assert "canary-late" in answer.content
        assert (chat.session == session) == is_stored


@pytest.mark.parametrize(
    ("moment", "with_header", "is_stored"),
    [
        ("before the results", True, True),
        ("before the results", False, False),
        ("with the results", True, False),
        ("with the results", False, True),
        pytest.param("before the results", True, False, marks=pytest.mark.exhaustive),
        pytest.param("before the results", False, True, marks=pytest.mark.exhaustive),
        pytest.param("with the results", True, True, marks=pytest.mark.exhaustive),
        pytest.param("with the results", False, False, marks=pytest.mark.exhaustive),
    ],
)
async def test_no_request_fails_where_the_parked_process_is_killed(
    moment: str,
    with_header: bool,
    is_stored: bool,
    gateway: GatewayFactory,
    provider: SimulatedProvider,
    tmp_path: Path,
) -> None:
    provider.script(*[model] * 2)
    async with gateway() as running:
        chat = Chat(running, streamed=is_stored)
        message = await chat.ask(user("canary-a?"))
        chat.messages.append(said(message))
        session = str(chat.session)
        folder = tmp_path / "state/sessions" / session
        call_id = message.tool_calls[0].id

        def transcripts() -> list[Path]:
            return [*folder.glob(f"claude/projects/*/{session}.jsonl")]

        await until(lambda: any(call_id in it.read_text() for it in transcripts()))
        pid = process_of(session)
        os.kill(pid, signal.SIGSTOP)
        if not is_stored:  # as in the 0.1 s until the CLI writes its transcript
            for path in transcripts():
                path.unlink()
        if moment == "before the results":
            os.kill(pid, signal.SIGKILL)
            await until(lambda: parked(running) == 0)
        chat.headers = CLAUDE | ({SESSION: session} if with_header else {})
        asked = asyncio.create_task(chat.ask(tool(call_id, "canary-late")))
        if moment == "with the results":
            capacity = running.container.claude_cli().status
            await until(lambda: capacity().capacity.active == 1)
            os.kill(pid, signal.SIGKILL)
        answer = await asked
        assert "canary-late" in answer.content
        assert (chat.session == session) == is_stored
