"""Calls of a client's tools, in complete and streamed answers."""

import json
from collections.abc import AsyncIterator

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
