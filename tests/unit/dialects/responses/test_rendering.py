"""Responses, complete and streamed, judged by OpenAI's own types."""

import json
from dataclasses import replace
from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter
from support.dialects import USAGE, answer_events, each, read_events

from modegate.dialects.dialect import ErrorFacts
from modegate.dialects.responses.dialect import ResponsesDialect
from modegate.dialects.responses.generation import parse_generation
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
from modegate.domain.answer.fold import fold
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.session import SessionId

DIALECT = ResponsesDialect()
FUNCTION = {"type": "function", "name": "get", "parameters": {"type": "object"}, "strict": True}
TOOLS = [
    FUNCTION,
    {"type": "custom", "name": "patch"},
    {
        "type": "namespace",
        "name": "agents",
        "description": "Agents.",
        "tools": [FUNCTION | {"name": "spawn"}],
    },
]
FRAME = AnswerFrame(
    completion_id="chatcmpl-1",
    created=7,
    model="sonnet",
    session_id=SessionId("s"),
    echoed={"tools": TOOLS, "metadata": {"a": "b"}, "instructions": "Be brief."},
)
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
CALLS = (("get", '{"city": "Paris"}'), ("patch", '{"input": "*** Begin"}'), ("agents__spawn", "{}"))
CUT = ErrorFacts(status=429, kind="rate_limit_error", code="backend_rate_limited", message="Wait.")
LAST = ("response.completed", "response.incomplete", "response.failed")


def stream(events: list[AnswerEvent], cut: ErrorFacts | None = None) -> list[dict[str, Any]]:
    renderer = DIALECT.stream(FRAME)
    written = b"".join(map(renderer.render, events))
    assert not any(b"event: %b\n" % it.encode() in written for it in LAST)  # stored before that
    written += renderer.cut(cut) if cut else renderer.end()
    assert renderer.cut(CUT) == renderer.end() == b""
    told = list(read_events(written))
    assert [data["sequence_number"] for _, data in told] == list(range(len(told)))
    for name, data in told:
        assert name == data["type"]
        EVENT.validate_python(data)
    assert [name for name, _ in told if name in LAST] == [told[-1][0]]
    return [data for _, data in told]


def check_items(events: list[dict[str, Any]]) -> None:
    """Checks that what is done is the sum of what was added to it."""
    sums: dict[tuple[str, int], str] = {}
    done: list[dict[str, Any]] = []
    for event in events:
        kind = event["type"].removeprefix("response.")
        name, _, step = kind.rpartition(".")
        if step == "delta":
            at = name, event["output_index"]
            sums[at] = sums.get(at, "") + event["delta"]
        elif step == "done" and name in {"output_text", "reasoning_summary_text"}:
            assert event["text"] == sums[name, event["output_index"]]
        elif step == "done" and name == "function_call_arguments":
            assert event["arguments"] == sums[name, event["output_index"]]
        elif step == "done" and name == "custom_tool_call_input":
            assert event["input"] == sums[name, event["output_index"]]
        elif kind == "output_item.done":
            assert event["output_index"] == len(done)
            done.append(event["item"])
    assert events[-1]["response"]["output"] == done


@pytest.mark.parametrize("reason", [it for it in FinishReason if it != "tool_calls"])
@pytest.mark.parametrize("calls", [(), CALLS[:1], CALLS])
@pytest.mark.parametrize("text", [(), ("Hello ", "there.")])
async def test_streamed_and_complete_answers_are_the_same_response(
    text: Any, calls: Any, reason: FinishReason
) -> None:
    events = answer_events(text, ("Hm.",), calls, reason)
    told = stream(events)
    check_items(told)
    whole = json.loads(DIALECT.complete(FRAME, await fold(each(events))))
    assert told[-1]["response"] == whole
    response = Response.model_validate(whole)
    assert response.output_text == "".join(text)
    assert response.status == ("completed" if calls or reason == "stop" else "incomplete")
    assert response.usage is not None
    assert response.usage.total_tokens == USAGE.total_tokens
    assert response.usage.input_tokens_details.cached_tokens == USAGE.cached_tokens
    assert (whole["id"], whole["metadata"]) == ("resp_mg_1", {"a": "b"})
    assert len({it["id"] for it in whole["output"]}) == len(whole["output"])


async def test_calls_have_the_form_in_which_their_tools_were_declared() -> None:
    answer = await fold(each(answer_events((), (), CALLS)))
    get, patch, spawn = json.loads(DIALECT.complete(FRAME, answer))["output"]
    assert (get["type"], get["call_id"], get["name"]) == ("function_call", "call_0", "get")
    assert get["arguments"] == '{"city": "Paris"}'
    assert (patch["type"], patch["name"]) == ("custom_tool_call", "patch")
    assert patch["input"] == "*** Begin"
    assert (spawn["type"], spawn["namespace"], spawn["name"]) == (
        "function_call",
        "agents",
        "spawn",
    )


@pytest.mark.parametrize(
    ("arguments", "text"), [("[1]", "[1]"), ("{", "{"), ('{"input": 1}', '{"input": 1}'), ("", "")]
)
async def test_a_custom_tools_call_without_a_text_loses_nothing(arguments: str, text: str) -> None:
    answer = await fold(each(answer_events((), (), (("patch", arguments),))))
    assert json.loads(DIALECT.complete(FRAME, answer))["output"][0]["input"] == text


def test_the_order_of_the_events() -> None:
    told = stream(answer_events(reasoning=("Hm.",), calls=CALLS[:1]))
    assert [it["type"].removeprefix("response.") for it in told] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]


@pytest.mark.parametrize("said", range(len(answer_events(calls=CALLS))))
def test_a_cut_stream_ends_with_one_failure(said: int) -> None:
    told = stream(answer_events(calls=CALLS)[:said], CUT)
    assert told[0]["type"] == "response.created"
    failed = told[-1]["response"]
    assert failed["error"] == {"code": "rate_limit_exceeded", "message": "Wait."}
    assert failed["status"] == "failed"


async def test_reasoning_is_left_out_where_no_summary_was_asked_for() -> None:
    silent = replace(FRAME, shows_reasoning=False)
    answer = await fold(each(answer_events(reasoning=("Hm.",))))
    (said,) = json.loads(DIALECT.complete(silent, answer))["output"]
    assert said["type"] == "message"


async def test_an_answer_comes_back_as_history() -> None:
    answer = await fold(each(answer_events(reasoning=("Hm.",), calls=CALLS)))
    output = json.loads(DIALECT.complete(FRAME, answer))["output"]
    history = [{"role": "user", "content": "Hi"}, *output]
    said = parse_generation({"model": "m", "input": history}).conversation.messages[1]
    assert said.text == answer.text
    assert [(it.id, it.name, json.loads(it.arguments)) for it in said.calls] == [
        (it.id, it.name, json.loads(it.arguments)) for it in answer.calls
    ]


def test_errors_have_openais_form() -> None:
    status, body = DIALECT.error(replace(CUT, param="input"))
    assert status == 429
    assert json.loads(body)["error"] == {
        "message": "Wait.",
        "type": "rate_limit_error",
        "param": "input",
        "code": "backend_rate_limited",
    }


async def test_a_sealed_thought_is_part_of_its_item_even_if_nothing_of_it_is_shown() -> None:
    thoughts = (ReasoningDelta("Hm."), ReasoningSigned("a", "mg1.A"), ReasoningSigned("b", "mg1.B"))
    started, *rest = answer_events(calls=CALLS[:1])
    told = stream([started, *thoughts, *rest])
    whole = json.loads(DIALECT.complete(FRAME, await fold(each([started, *thoughts, *rest]))))
    assert told[-1]["response"] == whole
    assert [it for it in whole["output"] if it["type"] == "reasoning"] == [
        {
            "id": "rs_mg_1_0",
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "encrypted_content": "mg1.A",
        },
        {"id": "rs_mg_1_1", "type": "reasoning", "summary": [], "encrypted_content": "mg1.B"},
    ]
    hidden = [it["type"] for it in told if it.get("output_index") == 1]
    assert hidden == ["response.output_item.added", "response.output_item.done"]


BETWEEN_CALLS: list[AnswerEvent] = [
    ReasoningDelta("Hm."),
    ReasoningSigned("a", "mg1.A"),
    TextDelta("First "),
    TextDelta("Paris."),
    ToolCallStarted(0, "call_0", "get"),
    ToolCallDelta(0, '{"city": "Paris"}'),
    ReasoningSigned("secret", "mg1.B", is_redacted=True),
    ReasoningDelta("And Rome."),
    ReasoningSigned("c", "mg1.C"),
    TextDelta("Then Rome."),
    ToolCallStarted(1, "call_1", "get"),
    ToolCallDelta(1, '{"city": "Rome"}'),
    ReasoningDelta("Done?"),
    Finished(FinishReason.TOOL_CALLS, USAGE),
]


async def test_what_lies_between_calls_has_the_same_place_in_a_complete_response() -> None:
    told = stream(BETWEEN_CALLS)
    whole = json.loads(DIALECT.complete(FRAME, await fold(each(BETWEEN_CALLS))))
    assert told[-1]["response"] == whole
    kinds = "reasoning message function_call reasoning reasoning message function_call reasoning"
    assert [it["type"] for it in whole["output"]] == kinds.split()


async def test_unsigned_thoughts_between_texts_keep_their_places() -> None:
    events: list[AnswerEvent] = [it for it in BETWEEN_CALLS if not isinstance(it, ReasoningSigned)]
    whole = json.loads(DIALECT.complete(FRAME, await fold(each(events))))
    assert stream(events)[-1]["response"] == whole
