"""Calls of the client's tools in the events of the CLI."""

from collections.abc import Iterator
from typing import Any

import pytest

from modegate.adapters.claude_cli.protocol.translator import Translator
from modegate.adapters.claude_cli.tools.offered_tools import OfferedTools
from modegate.adapters.claude_cli.tools.shown_names import ShownNames
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.errors import StreamCutError
from modegate.domain.tools.client_tool import ClientTool, ToolOffer

NAMES = ShownNames(OfferedTools(ToolOffer((ClientTool("f"), ClientTool("Bash")))), ("Bash(ls)",))


def inner(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": "stream_event", "session_id": "s", "event": {"type": kind, **fields}}


def begin() -> dict[str, Any]:
    usage = {"input_tokens": 5, "output_tokens": 1}
    return inner("message_start", message={"id": "m", "usage": usage})


def call(index: int, name: str, *pieces: str) -> Iterator[dict[str, Any]]:
    block = {"type": "tool_use", "id": f"id{index}", "name": name, "input": {}}
    yield inner("content_block_start", index=index, content_block=block)
    for piece in pieces:
        delta = {"type": "input_json_delta", "partial_json": piece}
        yield inner("content_block_delta", index=index, delta=delta)
    yield inner("content_block_stop", index=index)


def end(reason: str = "tool_use") -> Iterator[dict[str, Any]]:
    yield inner("message_delta", delta={"stop_reason": reason}, usage={"output_tokens": 3})
    yield inner("message_stop")


def told(translator: Translator, *events: dict[str, Any]) -> list[AnswerEvent]:
    return [chunk for event in events for chunk in translator.feed(event)]


def test_calls_stream_their_arguments_and_end_the_answer() -> None:
    translator = Translator(names=NAMES)
    events = (*call(0, "mcp__client__f", '{"a":', " 1}"), *call(1, "Bash", "{}"), *call(2, "f"))
    *shown, last = told(translator, begin(), *events, *end())
    assert [it for it in shown if isinstance(it, ToolCallStarted | ToolCallDelta)] == [
        ToolCallStarted(0, "id0", "f"),
        ToolCallDelta(0, '{"a":'),
        ToolCallDelta(0, " 1}"),
        ToolCallStarted(1, "id2", "f"),
        ToolCallDelta(1, "{}"),
    ]
    assert isinstance(last, Finished)
    assert last.finish_reason is FinishReason.TOOL_CALLS
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == (5, 3)
    assert translator.awaits_results


def test_a_message_with_built_in_calls_alone_does_not_end_the_answer() -> None:
    translator = Translator(names=NAMES)
    told(translator, begin(), *call(0, "Bash", "{}"), *end())
    assert not translator.finished


@pytest.mark.parametrize("handed_out", [True, False])
def test_a_broken_message_takes_its_calls_with_it(handed_out: bool) -> None:
    translator = Translator(names=NAMES, handed_out=handed_out)
    broken = inner("message_stop") | {"abandoned_blocks": {"from_block_index": 0}}
    told(translator, begin(), *call(0, "mcp__client__f", "{"))
    if handed_out:
        with pytest.raises(StreamCutError):
            told(translator, broken)
        return
    told(translator, broken, begin(), *call(0, "mcp__client__f", "{}"), *end())
    assert [it.arguments for it in translator.calls] == ["{}"]


def test_a_call_that_is_cut_at_the_output_limit_ends_a_stream() -> None:
    translator = Translator(names=NAMES)
    *_, last = told(translator, begin(), *call(0, "mcp__client__f", "{"), *end("max_tokens"))
    assert isinstance(last, Finished)
    assert last.finish_reason is FinishReason.LENGTH
    assert not translator.awaits_results
