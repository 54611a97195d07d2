"""Blocks follow one another, however the events of an answer overlap."""

import json
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from modegate.dialects.blocks import BlockEnded, BlockKind, BlockPiece, Blocks, BlockStarted
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    ReasoningDelta,
    ReasoningSigned,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.message import ToolCall

ARGUMENTS = ('{"city": "Paris"}', "{}", '{"a": [1, {"b": "}"}]}')


@st.composite
def answers(draw: st.DrawFn) -> list[AnswerEvent]:
    """Reasoning, then text and calls whose pieces are mixed, each call in its own order."""
    events: list[AnswerEvent] = [
        ReasoningDelta(it) for it in draw(st.lists(st.just("hm "), max_size=2))
    ]
    streams: list[list[AnswerEvent]] = [
        [TextDelta(it) for it in draw(st.lists(st.just("a "), max_size=3))]
    ]
    for index, arguments in enumerate(draw(st.lists(st.sampled_from(ARGUMENTS), max_size=3))):
        cut = draw(st.integers(0, len(arguments)))
        pieces = [it for it in (arguments[:cut], arguments[cut:]) if it]
        begun = ToolCallStarted(index, f"call_{index}", "get")
        streams.append([begun, *(ToolCallDelta(index, it) for it in pieces)])
    while any(streams):
        stream = draw(st.sampled_from([it for it in streams if it]))
        events.append(stream.pop(0))
    return events


@given(answers())
def test_blocks_are_whole_in_order_and_lose_nothing(events: list[AnswerEvent]) -> None:
    blocks = Blocks()
    out = [it for event in events for it in blocks.feed(event)]
    out += blocks.finish()
    open_at, ended = None, 0
    told: dict[BlockKind, str] = dict.fromkeys(BlockKind, "")
    calls: list[ToolCall] = []
    for it in out:
        match it:
            case BlockStarted(index):
                assert (open_at, index) == (None, ended)
                open_at = index
            case BlockPiece(index, kind, text):
                assert index == open_at
                told[kind] += text
            case BlockEnded(index, _, call):
                assert index == open_at
                open_at, ended = None, ended + 1
                calls += [call] if call else []
    assert open_at is None
    given_calls = {it.index: it for it in events if isinstance(it, ToolCallStarted)}
    arguments = {
        i: "".join(it.arguments for it in events if isinstance(it, ToolCallDelta) and it.index == i)
        for i in given_calls
    }
    assert {it.id: it.arguments for it in calls} == {
        it.id: arguments[i] for i, it in given_calls.items()
    }
    assert told[BlockKind.TEXT] == "".join(it.text for it in events if isinstance(it, TextDelta))
    assert told[BlockKind.REASONING] == "".join(
        it.text for it in events if isinstance(it, ReasoningDelta)
    )


def test_a_call_goes_out_as_it_comes_and_ends_when_the_next_one_begins() -> None:
    blocks = Blocks()
    first = [*blocks.feed(ToolCallStarted(0, "a", "f")), *blocks.feed(ToolCallDelta(0, "{}"))]
    assert [type(it) for it in first] == [BlockStarted, BlockPiece]
    second = list(blocks.feed(ToolCallStarted(1, "b", "g")))
    assert [type(it) for it in second] == [BlockEnded, BlockStarted]
    assert list(blocks.feed(Finished(FinishReason.TOOL_CALLS, Usage(1, 1)))) == []


def test_each_signed_thought_is_a_block_of_its_own() -> None:
    blocks = Blocks()
    events: list[AnswerEvent] = [ReasoningDelta("a"), ReasoningSigned("1"), ReasoningSigned("2")]
    out = [it for event in events for it in blocks.feed(event)]
    out += blocks.finish()
    ended = [(it.index, it.signature) for it in out if isinstance(it, BlockEnded)]
    assert ended == [(0, "1"), (1, "2")]


def test_calls_that_overlap_are_parsed_only_where_a_bracket_may_end_them() -> None:
    blocks, parsed = Blocks(), mock.Mock(side_effect=json.loads)
    words = [f'"a": "{"x" * 50}' for _ in range(100)]
    with mock.patch("modegate.dialects.blocks.json.loads", parsed):
        events: list[AnswerEvent] = [ToolCallStarted(0, "a", "f"), ToolCallStarted(1, "b", "g")]
        for word in ['{"b": {}, ', *words, '"}']:
            events += [ToolCallDelta(0, word), ToolCallDelta(1, word)]
        for event in events:
            list(blocks.feed(event))
    assert parsed.call_count <= 4
