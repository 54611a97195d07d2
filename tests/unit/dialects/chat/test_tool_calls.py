"""Calls of a client's tools, in complete and streamed answers."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from modegate.dialects.chat.response import render_completion
from modegate.dialects.chat.stream import ChunkRenderer
from modegate.dialects.pieces import MAX_PIECE_CHARACTERS
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.answer.fold import Completion, fold
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.message import ToolCall
from modegate.domain.session import SessionId
from modegate.domain.tools.client_tool import ClientTool, ToolOffer
from modegate.domain.tools.free_text import as_arguments, free_text_tool, text_of
from modegate.testing.answer_backend import calls

FRAME = AnswerFrame(completion_id="chatcmpl-1", created=7, model="m", session_id=SessionId("s"))
LONG = '"' + "x" * MAX_PIECE_CHARACTERS + '"'
EVENTS: list[AnswerEvent] = [
    Started("s"),
    ToolCallStarted(0, "call_a", "get"),
    ToolCallDelta(0, '{"a"'),
    ToolCallStarted(1, "call_b", "put"),
    ToolCallDelta(0, ":1}"),
    ToolCallDelta(1, LONG),
    Finished(FinishReason.TOOL_CALLS, Usage(1, 1)),
]
CALLS = (ToolCall("call_a", "get", '{"a":1}'), ToolCall("call_b", "put", LONG))


async def _each(events: list[AnswerEvent]) -> AsyncIterator[AnswerEvent]:
    for event in events:
        yield event


async def test_overlapping_calls_fold_to_whole_ones() -> None:
    completion = await fold(_each(EVENTS))
    assert completion.calls == CALLS
    assert completion.finish_reason == "tool_calls"


def test_a_stream_tells_id_and_name_once_and_arguments_in_pieces() -> None:
    renderer = ChunkRenderer(FRAME)
    lines = b"".join(map(renderer.render, EVENTS)).decode().split("\n\n")
    deltas = [json.loads(it.removeprefix("data: "))["choices"][0]["delta"] for it in lines if it]
    told: dict[int, dict[str, str]] = {}
    for delta in deltas:
        for piece in delta.get("tool_calls", ()):
            call = told.setdefault(piece["index"], {"id": piece.get("id"), "arguments": ""})
            call["arguments"] += piece["function"]["arguments"]
            call.setdefault("name", piece["function"].get("name"))
    assert [ToolCall(**told[index]) for index in (0, 1)] == list(CALLS)


@pytest.mark.parametrize(("text", "content"), [("", None), ("Wait.", "Wait.")])
async def test_a_complete_answer_holds_the_calls(text: str, content: str | None) -> None:
    said = [EVENTS[0], *([TextDelta(text)] if text else []), *EVENTS[1:]]
    choice = json.loads(render_completion(FRAME, await fold(_each(said))))["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == content
    assert [
        ToolCall(it["id"], it["function"]["name"], it["function"]["arguments"])
        for it in choice["message"]["tool_calls"]
    ] == list(CALLS)


def test_an_answer_without_calls_names_none() -> None:
    empty = render_completion(FRAME, Completion("", FinishReason.STOP, Usage(1, 1)))
    message = json.loads(empty)["choices"][0]["message"]
    assert message["content"] == ""
    assert "tool_calls" not in message


CALL = ToolCall("call_a", "get", '{"a":1}')
SHELL = ToolCall("call_b", "shell", as_arguments('l"s\né' + "x" * MAX_PIECE_CHARACTERS))
LEGACY = replace(FRAME, tools=ToolOffer((ClientTool("get"),), parallel=False, legacy=True))
CUSTOM = replace(FRAME, tools=ToolOffer((ClientTool("get"), free_text_tool("shell", ""))))


def deltas(frame: AnswerFrame, *called: ToolCall) -> tuple[list[dict[str, Any]], str]:
    """The deltas of a streamed answer, and its finish reason."""
    renderer = ChunkRenderer(frame)
    lines = b"".join(map(renderer.render, calls(*called))).decode().split("\n\n")
    choices = [json.loads(it.removeprefix("data: "))["choices"][0] for it in lines if it]
    return [it["delta"] for it in choices[1:-1]], choices[-1]["finish_reason"]


async def complete(frame: AnswerFrame, *called: ToolCall) -> dict[str, Any]:
    body = json.loads(render_completion(frame, await fold(_each([*calls(*called)]))))
    choice: dict[str, Any] = body["choices"][0]
    return choice


async def test_functions_are_answered_in_the_older_form() -> None:
    choice = await complete(LEGACY, CALL, SHELL)
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"] == {"name": "get", "arguments": '{"a":1}'}
    assert "tool_calls" not in choice["message"]
    told, reason = deltas(LEGACY, CALL, SHELL)
    assert reason == "function_call"
    assert [it["function_call"] for it in told] == [
        {"name": "get", "arguments": ""},
        {"arguments": '{"a":1}'},
    ]


async def test_custom_tools_are_answered_with_their_text() -> None:
    text = text_of(SHELL.arguments)
    choice = await complete(CUSTOM, CALL, SHELL)
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["tool_calls"] == [
        {"id": "call_a", "type": "function", "function": {"name": "get", "arguments": '{"a":1}'}},
        {"id": "call_b", "type": "custom", "custom": {"name": "shell", "input": text}},
    ]
    told, _ = deltas(CUSTOM, CALL, SHELL)
    pieces = [it["tool_calls"][0] for it in told if it["tool_calls"][0]["index"] == 1]
    started = {"index": 1, "id": "call_b", "type": "custom"}
    assert pieces[0] == started | {"custom": {"name": "shell", "input": ""}}
    assert "".join(it["custom"]["input"] for it in pieces) == text


@pytest.mark.parametrize("arguments", ["", "ls", "[]", '{"input": 1}', '{"a": "b"}'])
def test_arguments_without_a_text_are_the_text(arguments: str) -> None:
    assert text_of(arguments) == arguments
