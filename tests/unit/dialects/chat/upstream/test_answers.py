"""Answers of upstreams that speak chat completions, complete and streamed."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.dialects import USAGE, answer_events, each

from modegate.dialects.chat.dialect import ChatDialect
from modegate.dialects.chat.upstream.dialect import COMPATIBLE_CHAT
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    MessageStarted,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.answer.fold import fold
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.usage import Usage
from modegate.domain.errors import (
    BackendFailedError,
    BadUpstreamResponseError,
    GatewayError,
    StreamCutError,
)
from modegate.domain.session import SessionId

FRAME = AnswerFrame(
    completion_id="chatcmpl-1",
    created=7,
    model="m",
    session_id=SessionId("s"),
    include_usage=True,
)
REPORTED = replace(USAGE, cache_write_tokens=0)
TEXTS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), max_size=3)
CALLS = st.lists(
    st.tuples(st.sampled_from(["get", "put"]), st.dictionaries(st.text(max_size=3), st.integers())),
    max_size=3,
)


def read(*pieces: bytes) -> list[AnswerEvent]:
    reader = COMPATIBLE_CHAT.stream()
    return [*(it for piece in pieces for it in reader.feed(piece)), *reader.end()]


def rendered(events: Sequence[AnswerEvent]) -> bytes:
    renderer = ChatDialect().stream(FRAME)
    return b"".join(map(renderer.render, events)) + renderer.end()


def expected(events: Sequence[AnswerEvent]) -> list[AnswerEvent]:
    """Returns the events as they come back: an upstream has no session."""
    last = events[-1]
    assert isinstance(last, Finished)
    return [Started(), *events[1:-1], Finished(last.finish_reason, REPORTED)]


def chunks(*deltas: dict[str, Any], reason: str | None = "stop", **last: Any) -> bytes:
    choices: list[dict[str, Any]] = [
        {"index": 0, "delta": it, "finish_reason": None} for it in deltas
    ]
    choices.append({"index": 0, "delta": {}, "finish_reason": reason})
    told = [{"id": "c1", "model": "m-1", "choices": [it]} for it in choices]
    told.append({"id": "c1", "choices": [], **last})
    return b"".join(b"data: %b\n\n" % json.dumps(it).encode() for it in told)


STREAM = rendered(answer_events(["Hä", "llo"], ["Hm"], [("get", '{"a": "ö"}'), ("put", "{}")]))


def test_a_stream_may_be_cut_anywhere() -> None:
    whole = read(STREAM)
    for at in range(len(STREAM) + 1):
        assert read(STREAM[:at], STREAM[at:]) == whole


@given(text=TEXTS, reasoning=TEXTS, calls=CALLS, reason=st.sampled_from(FinishReason))
async def test_a_rendered_answer_comes_back_as_the_same_events(
    text: list[str], reasoning: list[str], calls: list[tuple[str, object]], reason: FinishReason
) -> None:
    if reason is FinishReason.TOOL_CALLS and not calls:
        reason = FinishReason.STOP
    told = [(name, json.dumps(arguments)) for name, arguments in calls]
    events = answer_events(text, reasoning, told, reason)
    assert read(rendered(events)) == expected(events)
    completion = await fold(each(events))
    body = ChatDialect().complete(FRAME, completion)
    again = await fold(each(COMPATIBLE_CHAT.answer(body)))
    assert again == replace(completion, usage=REPORTED, cli_session_id=None)


def test_usage_may_come_after_the_reason() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    events = read(chunks({"content": "Hi"}, usage=usage))
    last = events[-1]
    assert last == Finished(FinishReason.STOP, Usage(3, 2))
    assert isinstance(last, Finished)
    assert last.model == "m-1"


def test_a_missing_usage_is_estimated() -> None:
    last = read(chunks({"content": "12345678"}))[-1]
    assert isinstance(last, Finished)
    assert last.usage == Usage(0, 2, estimated=True)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_has_two_names(name: str) -> None:
    assert read(chunks({name: "Hm"}))[2] == ReasoningDelta("Hm")


def test_refusals_and_texts_in_parts_are_text() -> None:
    parts = [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]
    assert read(chunks({"refusal": "No."}, {"content": parts}))[2:4] == [
        TextDelta("No."),
        TextDelta("AB"),
    ]


def call(index: int | None, call_id: str | None, name: str | None, arguments: str) -> Any:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    place = {} if index is None else {"index": index}
    named = {"id": call_id} if call_id else {}
    return {"tool_calls": [{**place, **named, "type": "function", "function": function}]}


@pytest.mark.parametrize(
    "deltas",
    [
        [call(0, "a", "get", ""), call(0, None, None, "{}"), call(1, "b", "put", "{}")],
        [call(3, "a", "get", "{"), call(3, "a", None, "}"), call(7, "b", "put", "{}")],
        [call(0, "a", "get", "{}"), call(0, "b", "put", "{}")],  # all with the same index
        [call(None, "a", "get", "{}"), call(None, "b", "put", "{}")],
    ],
)
async def test_calls_are_numbered_whatever_the_upstream_does(deltas: list[Any]) -> None:
    events = read(chunks(*deltas, reason="stop"))
    completion = await fold(each(events))
    assert [(it.id, it.name, it.arguments) for it in completion.calls] == [
        ("a", "get", "{}"),
        ("b", "put", "{}"),
    ]
    assert completion.finish_reason is FinishReason.TOOL_CALLS


def test_a_call_without_an_id_gets_one() -> None:
    assert read(chunks(call(0, None, "get", "{}")))[2:4] == [
        ToolCallStarted(0, "call_c1_0", "get"),
        ToolCallDelta(0, "{}"),
    ]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", FinishReason.STOP),
        ("eos", FinishReason.STOP),
        ("tool_calls", FinishReason.STOP),  # without a call
        ("length", FinishReason.LENGTH),
        ("content_filter", FinishReason.CONTENT_FILTER),
    ],
)
def test_reasons_to_stop(reason: str, expected: FinishReason) -> None:
    last = read(chunks({"content": "Hi"}, reason=reason))[-1]
    assert isinstance(last, Finished)
    assert last.finish_reason is expected


def test_other_choices_are_skipped() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "No"}, "finish_reason": None}]}
    stream = b"data: %b\n\n" % json.dumps(other).encode()
    assert read(stream + chunks({"content": "Hi"}))[:3] == [
        Started(),
        MessageStarted(),
        TextDelta("Hi"),
    ]


@pytest.mark.parametrize(
    "error",
    [
        b'data: {"error": {"message": "Gone.", "code": 500}}\n\n',
        b'event: error\ndata: {"message": "Gone."}\n\n',
        b'data: {"error": "Gone."}\n\n',
    ],
)
def test_an_error_in_the_middle_is_reported(error: bytes) -> None:
    before = chunks({"content": "Hi"}, reason=None)
    for pieces in ((before, error), (before + error,)):
        with pytest.raises(BackendFailedError, match="reported an error: Gone:"):
            read(*pieces)
    assert COMPATIBLE_CHAT.stream().feed(before + error)[-1] == TextDelta("Hi")


def test_a_stream_without_a_reason_is_cut() -> None:
    whole = chunks({"content": "Hi"})
    with pytest.raises(StreamCutError):
        read(chunks({"content": "Hi"}, reason=None))
    assert read(whole + b"data: [DONE]\n\n") == read(whole)
    assert read(whole + b"data: [DONE]\n\n" + whole) == read(whole)


@pytest.mark.parametrize("stream", [b"data: no JSON\n\n", b"data: 7\n\n"])
def test_events_of_another_kind_are_an_error(stream: bytes) -> None:
    with pytest.raises(GatewayError):
        read(stream)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"choices": [{}]}', b'{"choices": []}'])
def test_a_body_of_another_kind_is_an_error(body: bytes) -> None:
    with pytest.raises(BadUpstreamResponseError):
        COMPATIBLE_CHAT.answer(body)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (
            400,
            {"error": {"message": "Bad.", "type": "t", "param": "p", "code": "c"}},
            (400, "t", "c", "Bad.", "p"),
        ),
        (
            401,
            {"error": "No key."},
            (401, "authentication_error", "upstream_error", "No key.", None),
        ),
        (
            404,
            {"detail": "Not Found"},
            (404, "invalid_request_error", "upstream_error", "Not Found", None),
        ),
        (
            529,
            {"error": {"message": "Busy.", "type": "overloaded_error"}},
            (503, "overloaded_error", "overloaded_error", "Busy.", None),
        ),
        (
            502,
            None,
            (502, "server_error", "upstream_error", "The upstream answered with status 502.", None),
        ),
    ],
)
def test_errors_keep_what_the_upstream_says(
    status: int, body: object, expected: tuple[object, ...]
) -> None:
    facts = COMPATIBLE_CHAT.error(status, json.dumps(body).encode())
    assert (facts.status, facts.kind, facts.code, facts.message, facts.param) == expected
