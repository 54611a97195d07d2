import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from modegate.adapters.claude_cli.lines import JsonLines
from modegate.adapters.claude_cli.translator import AnswerChunk, Translator
from modegate.domain.completion import (
    Finished,
    FinishReason,
    Started,
    TextDelta,
    TextStarted,
    Usage,
)
from modegate.domain.errors import (
    BackendAuthError,
    BackendFailedError,
    BackendForbiddenError,
    EmptyResponseError,
    GatewayError,
    InvalidRequestError,
    SessionNotFoundError,
    StreamCutError,
)

TOKENS = [TextDelta(f"tok{i} ") for i in range(6)]
LIMIT = 10_000_000
Event = dict[str, object]


def translate(pieces: Iterable[bytes], *, handed_out: bool = True) -> Iterator[AnswerChunk]:
    lines, translator = JsonLines(LIMIT), Translator(handed_out=handed_out)
    for piece in pieces:
        for event in lines.feed(piece):
            yield from translator.feed(event)
    for event in lines.flush():
        yield from translator.feed(event)


def chunks_of(*events: Event) -> list[AnswerChunk]:
    return list(translate(json.dumps(event).encode() + b"\n" for event in events))


def answer(captures: Path, name: str) -> list[AnswerChunk]:
    return list(translate([(captures / f"{name}.ndjson").read_bytes()]))


def finished(captures: Path, name: str) -> Finished:
    last = answer(captures, name)[-1]
    assert isinstance(last, Finished)
    return last


def test_an_answer(captures: Path) -> None:
    assert answer(captures, "text") == [
        Started("2cb703a8-f70b-4e7f-b4f6-d3b3a057d8e1"),
        TextStarted(),
        *TOKENS,
        Finished(FinishReason.STOP, Usage(965, 6, cached_tokens=900)),
    ]


def test_thinking_starts_the_turn_and_is_not_told(captures: Path) -> None:
    chunks = answer(captures, "thinking")
    assert isinstance(chunks[0], Started)
    assert chunks[1:-1] == [TextStarted(), *TOKENS]


@pytest.mark.parametrize("name", ["max_tokens", "refusal"])
def test_a_continuation_is_part_of_the_answer_and_the_last_stop_reason_counts(
    captures: Path, name: str
) -> None:
    chunks = answer(captures, name)
    assert chunks[1:-1] == [TextStarted(), *TOKENS, *TOKENS]
    assert finished(captures, name) == Finished(FinishReason.STOP, Usage(50, 12))


def test_a_tool_in_mid_turn_leaves_no_trace(captures: Path) -> None:
    chunks = answer(captures, "builtin_tool")
    assert chunks[1:-1] == [TextStarted(), *TOKENS]
    assert finished(captures, "builtin_tool").finish_reason is FinishReason.STOP


def test_after_a_broken_upstream_stream_no_word_comes_twice(captures: Path) -> None:
    assert answer(captures, "droponce")[1:-1] == [TextStarted(), *TOKENS]


def test_a_whole_result_alone(captures: Path) -> None:
    chunks = answer(captures, "json_result")
    assert chunks[1:-1] == [TextStarted(), TextDelta("".join(token.text for token in TOKENS))]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("status_400", InvalidRequestError),
        ("status_401", BackendAuthError),
        ("status_403", BackendForbiddenError),
        ("status_529_no_retries", BackendFailedError),
        ("resume_missing", SessionNotFoundError),
    ],
)
def test_failures(captures: Path, name: str, error: type[GatewayError]) -> None:
    with pytest.raises(error) as caught:
        answer(captures, name)
    assert "simulated" not in caught.value.message
    assert "127.0.0.1" not in caught.value.message


@pytest.mark.parametrize("name", ["text", "droponce", "thinking"])
def test_every_split_gives_the_same_answer(captures: Path, name: str) -> None:
    data = (captures / f"{name}.ndjson").read_bytes()
    whole = list(translate([data]))
    for at in range(0, len(data), 7):
        assert list(translate([data[:at], data[at:]])) == whole
    assert list(translate(data[i : i + 1] for i in range(len(data)))) == whole


@pytest.mark.parametrize("name", ["text", "max_tokens"])
def test_a_capture_that_is_cut_anywhere_is_never_whole(captures: Path, name: str) -> None:
    lines = (captures / f"{name}.ndjson").read_bytes().splitlines(keepends=True)
    for count in range(len(lines)):
        chunks = list(translate(lines[:count]))
        assert not any(isinstance(chunk, Finished) for chunk in chunks)


# What the captures do not hold.

RESULT: Event = {
    "type": "result",
    "subtype": "success",
    "is_error": False,
    "session_id": "s",
    "result": "whole",
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


def stream_event(**event: object) -> Event:
    return {"type": "stream_event", "session_id": "s", "event": event}


def start(message_id: str) -> Event:
    return stream_event(type="message_start", message={"id": message_id})


def delta(text: str, index: int = 0) -> Event:
    return stream_event(
        type="content_block_delta", index=index, delta={"type": "text_delta", "text": text}
    )


def stop(reason: str, tokens: int = 2) -> Event:
    return stream_event(
        type="message_delta", delta={"stop_reason": reason}, usage={"output_tokens": tokens}
    )


def said(message_id: str, text: str, **more: object) -> Event:
    message = {"id": message_id, "content": [{"type": "text", "text": text}]}
    return {"type": "assistant", "session_id": "s", "message": message, **more}


BLOCK = stream_event(type="content_block_start", index=0, content_block={"type": "text"})


@pytest.mark.parametrize(
    ("stop_reason", "finish_reason"),
    [
        ("end_turn", FinishReason.STOP),
        ("stop_sequence", FinishReason.STOP),
        ("max_tokens", FinishReason.LENGTH),
        ("refusal", FinishReason.CONTENT_FILTER),
        ("a_new_reason", FinishReason.STOP),
    ],
)
def test_finish_reasons(stop_reason: str, finish_reason: FinishReason) -> None:
    last = chunks_of(start("m"), BLOCK, delta("x"), stop(stop_reason), RESULT)[-1]
    assert isinstance(last, Finished)
    assert last.finish_reason is finish_reason


def test_a_message_that_came_without_deltas_is_told_at_once() -> None:
    assert chunks_of(said("m", "one "), said("m", "two"), RESULT)[:-1] == [
        Started("s"),
        TextStarted(),
        TextDelta("one "),
        TextDelta("two"),
    ]


def test_a_second_try_without_deltas_repeats_nothing() -> None:
    events = [start("m1"), BLOCK, delta("one "), said("m2", "one two"), RESULT]
    retry: Event = {"type": "system", "subtype": "api_retry", "error_status": None}
    assert chunks_of(*events[:3], retry, *events[3:])[2:-1] == [TextDelta("one "), TextDelta("two")]


def test_a_new_message_in_place_of_one_that_never_ended() -> None:
    events = [start("m1"), BLOCK, delta("one "), start("m2"), delta("one "), delta("two"), RESULT]
    assert chunks_of(*events)[2:-1] == [TextDelta("one "), TextDelta("two")]


def test_a_second_try_that_differs_ends_the_stream() -> None:
    events = [start("m1"), BLOCK, delta("one "), start("m2"), delta("other")]
    with pytest.raises(StreamCutError):
        chunks_of(*events)


def test_where_nothing_was_handed_out_a_second_try_may_differ() -> None:
    events = [start("m1"), BLOCK, delta("one "), start("m2"), delta("other"), RESULT]
    translator = Translator(handed_out=False)
    chunks = [chunk for event in events for chunk in translator.feed(event)]
    assert isinstance(chunks[-1], Finished)
    assert translator.answer.text == "other"


def test_what_a_subagent_says_is_no_part_of_the_answer() -> None:
    sub = {**delta("secret plan"), "parent_tool_use_id": "toolu_1"}
    assert TextDelta("secret plan") not in chunks_of(start("m"), BLOCK, sub, delta("x"), RESULT)


def test_usage_falls_back_on_the_stream_and_then_on_an_estimate() -> None:
    silent = {**RESULT, "usage": {"input_tokens": 3}}
    last = chunks_of(start("m"), BLOCK, delta("x"), stop("end_turn", 7), silent)[-1]
    assert last == Finished(FinishReason.STOP, Usage(3, 7))
    last = chunks_of(start("m"), BLOCK, delta("x" * 40), stop("end_turn", 0), silent)[-1]
    assert last == Finished(FinishReason.STOP, Usage(3, 10, estimated=True))
    last = chunks_of(start("m"), BLOCK, delta("x"), silent)[-1]
    assert last == Finished(FinishReason.STOP, Usage(3, 1, estimated=True))


def test_no_word_anywhere_is_an_error() -> None:
    with pytest.raises(EmptyResponseError):
        chunks_of(start("m"), {**RESULT, "result": ""})


@pytest.mark.parametrize("subtype", ["success", "error_max_turns"])
def test_an_error_is_never_an_answer(subtype: str) -> None:
    events = [said("m", "API Error: boom", is_api_error_message=True, error="server_error")]
    result = {**RESULT, "subtype": subtype, "is_error": subtype == "success"}
    with pytest.raises(BackendFailedError):
        chunks_of(*events, result)


def test_what_follows_the_result_is_nobodys() -> None:
    assert isinstance(chunks_of(said("m", "x"), RESULT, said("n", "y"), RESULT)[-1], Finished)


def test_events_of_an_unknown_kind_or_a_broken_form_are_passed_over() -> None:
    noise: list[Event] = [
        {"type": "new"},
        {},
        {"type": ["x"]},
        {"type": "stream_event"},
        {"type": "stream_event", "event": {"type": "content_block_delta", "delta": "x"}},
        {"type": "assistant", "message": {"id": "n", "content": "x"}},
        {"type": "system", "subtype": "status"},
    ]
    assert TextDelta("x") in chunks_of(*noise, start("m"), BLOCK, delta("x"), RESULT)
