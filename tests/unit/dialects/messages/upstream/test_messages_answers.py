"""Answers of Anthropic's API, complete and streamed, cut at every byte."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.dialects import USAGE, answer_events

from modegate.dialects.messages.dialect import MessagesDialect
from modegate.dialects.messages.upstream.dialect import MessagesUpstream
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
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.errors import GatewayError
from modegate.domain.session import SessionId

UPSTREAM = MessagesUpstream()
FRAME = AnswerFrame(
    completion_id="chatcmpl-1", created=7, model="sonnet", session_id=SessionId("s")
)
CALLS = (("get", '{"city": "Paris"}'), ("put", '{"a": [1, 2]}'), ("now", "{}"))


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def delta(**fields: Any) -> bytes:
    return event("content_block_delta", index=0, delta=fields)


START = event(
    "message_start",
    message={
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [],
        "stop_reason": None,
        "usage": {
            "input_tokens": 7,
            "cache_read_input_tokens": 5,
            "cache_creation_input_tokens": 3,
            "output_tokens": 1,
        },
    },
)


def ending(reason: str = "end_turn", stop: str | None = None, **usage: Any) -> bytes:
    told = {"output_tokens": 9} | usage
    end = event("message_delta", delta={"stop_reason": reason, "stop_sequence": stop}, usage=told)
    return end + event("message_stop")


def said(text: str) -> bytes:
    block = {"type": "text", "text": ""}
    return (
        event("content_block_start", index=0, content_block=block)
        + delta(type="text_delta", text=text)
        + event("content_block_stop", index=0)
    )


def read(stream: bytes, *cuts: int) -> list[AnswerEvent]:
    reader = UPSTREAM.stream()
    events: list[AnswerEvent] = []
    at = 0
    for cut in (*cuts, len(stream)):
        events += reader.feed(stream[at:cut])
        at = cut
    events += reader.end()
    return events


def joined(events: list[AnswerEvent]) -> list[AnswerEvent]:
    """Returns the events with adjacent pieces of one block as one."""
    found: list[AnswerEvent] = []
    for it in events:
        last = found[-1] if found else None
        match last, it:
            case (TextDelta(a), TextDelta(b)):
                found[-1] = TextDelta(a + b)
            case (ReasoningDelta(a), ReasoningDelta(b)):
                found[-1] = ReasoningDelta(a + b)
            case (ToolCallDelta(i, a), ToolCallDelta(j, b)) if i == j:
                found[-1] = ToolCallDelta(i, a + b)
            case _:
                found.append(it)
    return found


RICH = (
    START
    + event("ping")
    + event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""})
    + delta(type="thinking_delta", thinking="Höm.")
    + delta(type="signature_delta", signature="c2")
    + delta(type="signature_delta", signature="ln")
    + event("content_block_stop", index=0)
    + event(
        "content_block_start", index=1, content_block={"type": "redacted_thinking", "data": "x"}
    )
    + event("content_block_stop", index=1)
    + said("Grüße")
    + event(
        "content_block_start",
        index=3,
        content_block={"type": "tool_use", "id": "toolu_1", "name": "get", "input": {}},
    )
    + delta(type="input_json_delta", partial_json="")
    + delta(type="input_json_delta", partial_json='{"a": ')
    + delta(type="input_json_delta", partial_json="1}")
    + event("content_block_stop", index=3)
    + event(
        "content_block_start",
        index=4,
        content_block={"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
    )
    + event("content_block_stop", index=4)
    + event("later_kind", index=5)
    + ending("tool_use", output_tokens_details={"thinking_tokens": 4})
)
TOLD = [
    ReasoningDelta("Höm."),
    ReasoningSigned("c2ln"),
    ReasoningSigned("x", is_redacted=True),
    TextDelta("Grüße"),
    ToolCallStarted(0, "toolu_1", "get"),
    ToolCallDelta(0, '{"a": '),
    ToolCallDelta(0, "1}"),
    ToolCallStarted(1, "toolu_2", "now"),
    ToolCallDelta(1, "{}"),
]


def test_every_kind_of_block_wherever_the_stream_is_cut() -> None:
    whole = read(RICH)
    assert whole[2:-1] == TOLD
    last = whole[-1]
    assert isinstance(last, Finished)
    assert (last.finish_reason, last.model) == (FinishReason.TOOL_CALLS, "claude-sonnet-5-5")
    usage = last.usage
    assert (usage.prompt_tokens, usage.cached_tokens, usage.cache_write_tokens) == (15, 5, 3)
    assert (usage.completion_tokens, usage.reasoning_tokens) == (9, 4)
    for cut in range(len(RICH)):
        assert read(RICH, cut) == whole
    assert read(RICH, *range(len(RICH))) == whole
    assert read(RICH.replace(b"\n", b"\r\n"), *range(len(RICH) + RICH.count(b"\n"))) == whole


def test_a_complete_answer_has_the_same_content() -> None:
    message = {
        "type": "message",
        "model": "claude-sonnet-5-5",
        "content": [
            {"type": "thinking", "thinking": "Höm.", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "x"},
            {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {}},
            {"type": "text", "text": "Grüße"},
            {"type": "tool_use", "id": "toolu_1", "name": "get", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 7, "output_tokens": 9},
    }
    events = list(UPSTREAM.answer(json.dumps(message).encode()))
    calls = [ToolCallStarted(0, "toolu_1", "get"), ToolCallDelta(0, '{"a":1}')]
    assert events[2:-1] == [*TOLD[:4], *calls]
    last = events[-1]
    assert isinstance(last, Finished)
    assert (last.usage.total_tokens, last.model) == (16, "claude-sonnet-5-5")


@pytest.mark.parametrize(
    ("reason", "stop", "expected"),
    [
        ("end_turn", None, FinishReason.STOP),
        ("stop_sequence", "END", FinishReason.STOP),
        ("max_tokens", None, FinishReason.LENGTH),
        ("model_context_window_exceeded", None, FinishReason.LENGTH),
        ("pause_turn", None, FinishReason.LENGTH),
        ("tool_use", None, FinishReason.TOOL_CALLS),
        ("refusal", None, FinishReason.CONTENT_FILTER),
        ("later_reason", None, FinishReason.STOP),
        (None, None, FinishReason.STOP),
    ],
)
def test_every_stop_reason(reason: Any, stop: str | None, expected: FinishReason) -> None:
    message = {"content": [], "stop_reason": reason, "stop_sequence": stop}
    streamed, complete = (
        read(START + ending(reason, stop)),
        UPSTREAM.answer(json.dumps(message).encode()),
    )
    for events in (streamed, complete):
        last = events[-1]
        assert isinstance(last, Finished)
        assert (last.finish_reason, last.stop_text) == (expected, stop)


def test_counts_in_the_last_usage_replace_the_first() -> None:
    last = read(START + said("a") + ending(input_tokens=20, cache_read_input_tokens=None))[-1]
    assert isinstance(last, Finished)
    assert (last.usage.prompt_tokens, last.usage.cached_tokens) == (28, 5)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("overloaded_error", "backend_unavailable"),
        ("rate_limit_error", "backend_rate_limited"),
        ("authentication_error", "backend_auth_failed"),
        ("permission_error", "backend_forbidden"),
        ("api_error", "backend_error"),
        ("later_error", "backend_error"),
    ],
)
def test_an_error_event_is_an_error(kind: str, code: str) -> None:
    failed = event("error", error={"type": kind, "message": "Overloaded"})
    reader = UPSTREAM.stream()
    assert len(reader.feed(START + said("a"))) == 3
    with pytest.raises(GatewayError, match="Overloaded") as told:
        reader.feed(failed)
    assert told.value.code == code
    with pytest.raises(GatewayError):
        UPSTREAM.answer(json.dumps({"type": "error", "error": {"type": kind}}).encode())


def test_a_cut_stream_is_an_error_until_the_model_has_stopped() -> None:
    stopped = RICH.index(b"event: message_stop")
    for cut in range(0, stopped - 1, 7):
        reader = UPSTREAM.stream()
        reader.feed(RICH[:cut])
        with pytest.raises(GatewayError):
            reader.end()
    assert read(RICH[:stopped]) == read(RICH)
    assert read(RICH + b"data: nonsense\n\n") == read(RICH)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"{}", b'{"content": 1}', b"<html>"])
def test_what_is_no_message_is_an_error(body: bytes) -> None:
    with pytest.raises(GatewayError):
        UPSTREAM.answer(body)


@pytest.mark.parametrize("data", [b"data: {\n\n", b"data: []\n\n"])
def test_events_without_an_object_are_an_error(data: bytes) -> None:
    with pytest.raises(GatewayError):
        UPSTREAM.stream().feed(data)


@pytest.mark.parametrize(
    ("status", "kind", "message", "shown", "shown_kind", "code"),
    [
        (400, "invalid_request_error", "Why.", 400, "invalid_request_error", "upstream_error"),
        (
            *(400, "invalid_request_error", "prompt is too long: 9 tokens"),
            *(400, "invalid_request_error", "context_length_exceeded"),
        ),
        (401, "authentication_error", "No.", 401, "authentication_error", "upstream_error"),
        (403, "permission_error", "No.", 403, "permission_error", "upstream_error"),
        (404, "not_found_error", "model: x", 404, "invalid_request_error", "model_not_found"),
        (413, "request_too_large", "Big.", 413, "invalid_request_error", "upstream_error"),
        (429, "rate_limit_error", "Slow.", 429, "rate_limit_error", "rate_limit_exceeded"),
        (500, "api_error", "Oh.", 500, "server_error", "upstream_error"),
        (529, "overloaded_error", "Full.", 503, "server_error", "upstream_error"),
    ],
)
def test_errors_in_openais_terms(
    status: int, kind: str, message: str, shown: int, shown_kind: str, code: str
) -> None:
    body = json.dumps({"type": "error", "error": {"type": kind, "message": message}}).encode()
    facts = UPSTREAM.error(status, body)
    assert (facts.status, facts.kind, facts.code) == (shown, shown_kind, code)
    assert facts.message == message


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"error": "no"}', b'{"error": {}}'])
def test_an_error_without_a_text_names_the_status(body: bytes) -> None:
    assert "502" in UPSTREAM.error(502, body).message


@given(
    st.lists(st.text(min_size=1, max_size=9), max_size=3),
    st.lists(st.text(min_size=1, max_size=9), max_size=3),
    st.sampled_from([(), CALLS[:1], CALLS]),
    st.sampled_from([it for it in FinishReason if it is not FinishReason.TOOL_CALLS]),
    st.sampled_from(["", "c2ln"]),
    st.data(),
)
def test_what_the_gateway_renders_is_read_again(
    text: list[str],
    reasoning: list[str],
    calls: Any,
    reason: FinishReason,
    signature: str,
    data: st.DataObject,
) -> None:
    valid = [it.encode("utf-8", "replace").decode() for it in text]
    thoughts = [it.encode("utf-8", "replace").decode() for it in reasoning]
    events = answer_events(valid, thoughts, calls, reason, signature)
    renderer = MessagesDialect().stream(FRAME)
    stream = b"".join(map(renderer.render, events)) + renderer.end()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=9)))
    told = joined(read(stream, *cuts))
    expected = [
        it for it in joined(events)[2:] if not isinstance(it, ToolCallDelta | ToolCallStarted)
    ]
    assert [
        it for it in told[2:] if not isinstance(it, ToolCallDelta | ToolCallStarted)
    ] == expected
    assert {it.index: it.arguments for it in told if isinstance(it, ToolCallDelta)} == {
        index: arguments for index, (_, arguments) in enumerate(calls)
    }
    assert told[-1] == Finished(FinishReason.TOOL_CALLS if calls else reason, USAGE)
