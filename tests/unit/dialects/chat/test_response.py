import json

from hypothesis import given
from hypothesis import strategies as st

from modegate.dialects.chat.errors import error_object
from modegate.dialects.chat.response import render_completion
from modegate.dialects.chat.stream import ChunkRenderer
from modegate.dialects.json import encode
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    MessageStarted,
    ReasoningDelta,
    Started,
    TextDelta,
)
from modegate.domain.answer.fold import Completion
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.usage import Usage
from modegate.domain.session import SessionId

USAGE = Usage(10, 2, cached_tokens=4)
USAGE_OBJECT = {
    "prompt_tokens": 10,
    "completion_tokens": 2,
    "total_tokens": 12,
    "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 0},
}


def frame(*, include_usage: bool = False) -> AnswerFrame:
    return AnswerFrame(
        completion_id="chatcmpl-1",
        created=7,
        model='gpt-"4"',
        session_id=SessionId("s"),
        include_usage=include_usage,
    )


def rendered(chunk: AnswerEvent, *, include_usage: bool = False) -> list[object]:
    data = ChunkRenderer(frame(include_usage=include_usage)).render(chunk)
    *events, end = data.split(b"\n\n")
    assert end == b""
    return [json.loads(event.removeprefix(b"data: ")) for event in events]


HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": 'gpt-"4"'}


def choice(delta: object, reason: str | None = None) -> dict[str, object]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def test_a_completion_renders_as_a_chat_completion_object() -> None:
    completion = Completion("Hello", FinishReason.LENGTH, USAGE)
    assert json.loads(render_completion(frame(), completion)) == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 7,
        "model": 'gpt-"4"',
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello", "refusal": None},
                "logprobs": None,
                "finish_reason": "length",
            }
        ],
        "usage": USAGE_OBJECT,
    }


def test_events_render_as_chat_completion_chunks() -> None:
    assert rendered(Started()) == []
    role = {"role": "assistant", "content": ""}
    assert rendered(MessageStarted()) == [HEAD | {"choices": [choice(role)]}]
    assert rendered(TextDelta("ü\n")) == [HEAD | {"choices": [choice({"content": "ü\n"})]}]
    last = Finished(FinishReason.CONTENT_FILTER, USAGE)
    assert rendered(last) == [HEAD | {"choices": [choice({}, "content_filter")]}]


def test_reasoning_is_a_member_of_its_own() -> None:
    completion = Completion("Hello", FinishReason.STOP, USAGE, reasoning="Greet them.")
    message = json.loads(render_completion(frame(), completion))["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("Hello", "Greet them.")
    delta = {"reasoning_content": "Greet"}
    assert rendered(ReasoningDelta("Greet")) == [HEAD | {"choices": [choice(delta)]}]


def test_usage_is_a_separate_chunk_and_null_in_all_other_chunks() -> None:
    finish, usage = rendered(Finished(FinishReason.STOP, USAGE), include_usage=True)
    assert finish == HEAD | {"choices": [choice({}, "stop")], "usage": None}
    assert usage == HEAD | {"choices": [], "usage": USAGE_OBJECT}
    assert rendered(TextDelta("x"), include_usage=True) == [
        HEAD | {"choices": [choice({"content": "x"})], "usage": None}
    ]


@given(st.text())
def test_any_text_stays_within_one_sse_event(text: str) -> None:
    data = ChunkRenderer(frame()).render(TextDelta(text))
    assert data.count(b"\n\n") == 1
    assert data.count(b"\n") == 2
    assert json.loads(data.removeprefix(b"data: "))["choices"][0]["delta"]["content"] == text


def test_a_lone_surrogate_is_encoded_as_a_question_mark() -> None:
    assert encode("a\ud83d") == b'"a?"'


def test_line_separators_in_text_do_not_split_an_event_or_error() -> None:
    text = "".join(map(chr, [*range(0x20), 0x7F, 0x85, 0xA0, 0x2028, 0x2029, 0xFEFF])) + "ü"
    data = ChunkRenderer(frame()).render(TextDelta(text)).decode()
    line, end = data.splitlines()
    assert end == ""
    assert json.loads(line.removeprefix("data: "))["choices"][0]["delta"]["content"] == text
    error = error_object(text, "invalid_request_error", "x", text).decode()
    (line,) = error.splitlines()
    assert json.loads(line)["error"]["message"] == text


def test_long_text_is_split_into_events_shorter_than_64_kib() -> None:
    text = "\0\u2028\U0001f600" * 40_000
    data = ChunkRenderer(frame()).render(TextDelta(text))
    *events, end = data.split(b"\n\n")
    assert end == b""
    assert max(map(len, events)) < 64 * 1024
    parsed = [json.loads(event.removeprefix(b"data: ")) for event in events]
    assert "".join(event["choices"][0]["delta"]["content"] for event in parsed) == text
