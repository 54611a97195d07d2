"""Messages, complete and streamed, judged by Anthropic's own types."""

import json
from dataclasses import replace
from typing import Any

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter
from support.dialects import USAGE, answer_events, each, read_events

from modegate.dialects.dialect import ErrorFacts
from modegate.dialects.messages.dialect import MessagesDialect
from modegate.dialects.messages.generation import parse_generation
from modegate.domain.answer.events import (
    AnswerEvent,
    FinishReason,
    ReasoningDelta,
    ReasoningSigned,
    TextDelta,
    ToolCallStarted,
)
from modegate.domain.answer.fold import fold
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.session import SessionId

DIALECT = MessagesDialect()
FRAME = AnswerFrame(
    completion_id="chatcmpl-1",
    created=7,
    model="sonnet",
    session_id=SessionId("s"),
    prompt_tokens=30,
)
EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
CALLS = (("get", '{"city": "Paris"}'), ("put", '{"a": [1, 2]}'), ("now", "{}"))
CUT = ErrorFacts(status=503, kind="server_error", code="backend_unavailable", message="Gone.")


def stream(events: list[AnswerEvent], frame: AnswerFrame = FRAME) -> list[dict[str, Any]]:
    renderer = DIALECT.stream(frame)
    written = b"".join(map(renderer.render, events))
    assert b"message_stop" not in written  # the turn is stored before the client has it
    written += renderer.end()
    assert renderer.end() == renderer.cut(CUT) == b""
    told = list(read_events(written))
    assert all(name == data["type"] for name, data in told)
    for _, data in told:
        EVENT.validate_python(data, strict=True)
    return [data for _, data in told]


def accumulated(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Returns the message of a stream, as the SDK puts it together."""
    start, *rest = events
    message: dict[str, Any] = start["message"]
    texts: dict[int, str] = {}
    for event in rest:
        match event["type"]:
            case "content_block_start":
                assert event["index"] == len(message["content"])
                message["content"].append(event["content_block"])
                texts[event["index"]] = ""
            case "content_block_delta":
                field = next(name for name in event["delta"] if name != "type")
                if field == "signature":
                    message["content"][event["index"]][field] = event["delta"][field]
                    continue
                texts[event["index"]] += event["delta"][field]
            case "content_block_stop":
                block, said = message["content"][event["index"]], texts.pop(event["index"])
                field = {"tool_use": "input"}.get(block["type"], block["type"])
                block[field] = json.loads(said) if field == "input" else said
            case "message_delta":
                message |= event["delta"] | {"usage": event["usage"]}
    assert not texts
    return message


@pytest.mark.parametrize("reason", [it for it in FinishReason if it != "tool_calls"])
@pytest.mark.parametrize("calls", [(), CALLS[:1], CALLS])
@pytest.mark.parametrize("text", [(), ("Hello ", "there.")])
async def test_streamed_and_complete_answers_are_the_same_message(
    text: Any, calls: Any, reason: FinishReason
) -> None:
    events = answer_events(text, ("Hm.",), calls, reason)
    whole = json.loads(DIALECT.complete(FRAME, await fold(each(events))))
    Message.model_validate(whole, strict=True)
    assert accumulated(stream(events)) == whole
    assert whole["id"] == "msg_mg_1"
    assert [it["type"] for it in whole["content"]] == ["thinking", *["text"][: len(text)]] + [
        "tool_use"
    ] * len(calls)


@pytest.mark.parametrize("reasoning", [(), ("Hm.", " So.")])
async def test_a_signed_thought_keeps_its_signature(reasoning: Any) -> None:
    events = answer_events(reasoning=reasoning, signature="c2ln", stop_text="END")
    whole = json.loads(DIALECT.complete(FRAME, await fold(each(events))))
    thought = {"type": "thinking", "thinking": "".join(reasoning), "signature": "c2ln"}
    assert whole["content"][0] == thought
    assert (whole["stop_reason"], whole["stop_sequence"]) == ("stop_sequence", "END")
    assert accumulated(stream(events)) == whole


async def test_reasoning_is_left_out_where_the_client_did_not_ask_for_it() -> None:
    silent = AnswerFrame(
        completion_id="chatcmpl-1",
        created=7,
        model="m",
        session_id=SessionId("s"),
        shows_reasoning=False,
    )
    events = answer_events(reasoning=("Hm.",), signature="c2ln")
    whole = json.loads(DIALECT.complete(silent, await fold(each(events))))
    assert whole["content"] == [{"type": "text", "text": "Hello there."}]
    assert accumulated(stream(events, silent))["content"] == whole["content"]


def test_the_order_of_the_events_and_their_usage() -> None:
    told = stream(answer_events(calls=CALLS[:1]))
    assert [it["type"].removeprefix("content_block_") for it in told] == [
        *("message_start", "start", "delta", "delta", "stop"),
        *("start", "delta", "delta", "stop", "message_delta", "message_stop"),
    ]
    assert told[0]["message"]["usage"]["input_tokens"] == 30
    usage = told[-2]["usage"]
    cached = usage["cache_read_input_tokens"] + usage["cache_creation_input_tokens"]
    assert usage["input_tokens"] + cached == USAGE.prompt_tokens
    assert usage["output_tokens"] == USAGE.completion_tokens


@pytest.mark.parametrize("said", range(len(answer_events())))
def test_a_cut_stream_ends_with_an_error_event(said: int) -> None:
    renderer = DIALECT.stream(FRAME)
    for event in answer_events()[:said]:
        renderer.render(event)
    ((name, data),) = read_events(renderer.cut(CUT))
    assert name == data["type"] == "error"
    assert data["error"] == {"type": "overloaded_error", "message": "Gone."}


def test_a_ping_keeps_a_stream_alive() -> None:
    assert DIALECT.stream(FRAME).keep_alive == b'event: ping\ndata: {"type":"ping"}\n\n'


@pytest.mark.parametrize(
    ("status", "code", "shown", "kind"),
    [
        (400, "invalid_request", 400, "invalid_request_error"),
        (400, "model_not_found", 404, "not_found_error"),
        (401, "missing_api_key", 401, "authentication_error"),
        (403, "model_not_allowed", 403, "permission_error"),
        (404, "session_not_found", 404, "not_found_error"),
        (413, "payload_too_large", 413, "request_too_large"),
        (429, "rate_limit_exceeded", 429, "rate_limit_error"),
        (500, "internal_error", 500, "api_error"),
        (502, "backend_error", 502, "api_error"),
        (503, "backend_unavailable", 529, "overloaded_error"),
        (504, "timeout", 504, "timeout_error"),
    ],
)
def test_errors_have_anthropics_form(status: int, code: str, shown: int, kind: str) -> None:
    facts = ErrorFacts(status=status, kind="x", code=code, message="Why.", request_id="r")
    found, body = DIALECT.error(facts)
    assert (found, json.loads(body)) == (
        shown,
        {"type": "error", "error": {"type": kind, "message": "Why."}, "request_id": "r"},
    )


async def test_an_answer_comes_back_as_history() -> None:
    events = answer_events(reasoning=("Hm.",), calls=CALLS)
    answer = await fold(each(events))
    content = json.loads(DIALECT.complete(FRAME, answer))["content"]
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": content}]
    asked = parse_generation({"model": "m", "max_tokens": 1, "messages": messages})
    said = asked.conversation.messages[1]
    assert said.text == answer.text
    assert [(it.id, it.name, json.loads(it.arguments)) for it in said.calls] == [
        (it.id, it.name, json.loads(it.arguments)) for it in answer.calls
    ]


def test_a_refused_thread_has_the_details_with_which_the_sdk_goes_on_without_one() -> None:
    facts = ErrorFacts(
        status=400, kind="e", code="unsupported_parameter", message="No.", param="thread"
    )
    _, body = DIALECT.error(facts)
    details = json.loads(body)["error"]["details"]
    assert details == {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}


async def test_blocks_between_calls_are_in_the_same_order_in_a_complete_message() -> None:
    started, *_, finished = answer_events(calls=CALLS[:1])
    events: list[AnswerEvent] = [
        started,
        ReasoningDelta("Hm."),
        TextDelta("Let me "),
        ReasoningDelta("So."),
        TextDelta("look."),
        ToolCallStarted(0, "call_0", "get"),
        ReasoningSigned("secret", is_redacted=True),
        TextDelta("Also this."),
        finished,
    ]
    whole = json.loads(DIALECT.complete(FRAME, await fold(each(events))))
    kinds = ["thinking", "text", "thinking", "text", "tool_use", "text"]
    assert [it["type"] for it in whole["content"]] == kinds
    renderer = DIALECT.stream(FRAME)
    told = b"".join(map(renderer.render, events))
    starts = [it for name, it in read_events(told) if name == "content_block_start"]
    assert [it["content_block"]["type"] for it in starts] == kinds
    silent = replace(FRAME, shows_reasoning=False)
    whole = json.loads(DIALECT.complete(silent, await fold(each(events))))
    assert [it.get("text") for it in whole["content"]] == ["Let me look.", None, "Also this."]
