import json
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from modegate.adapters.claude_cli.protocol.failures.retry_wait import Patience
from modegate.adapters.claude_cli.protocol.ndjson import JsonLines
from modegate.adapters.claude_cli.protocol.translator import Translator
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    Started,
    TextDelta,
    TextStarted,
)
from modegate.domain.answer.usage import Usage
from modegate.domain.errors import (
    BackendAuthError,
    BackendCrashedError,
    BackendFailedError,
    BackendForbiddenError,
    BackendRateLimitedError,
    ContextLengthError,
    EmptyResponseError,
    GatewayError,
    InvalidRequestError,
    SessionNotFoundError,
    StreamCutError,
)

TOKENS = [TextDelta(f"tok{i} ") for i in range(6)]
LIMIT = 10_000_000
Event = dict[str, object]


def translate(pieces: Iterable[bytes], *, handed_out: bool = True) -> Iterator[AnswerEvent]:
    lines, translator = JsonLines(LIMIT), Translator(handed_out=handed_out)
    for piece in pieces:
        for event in lines.feed(piece):
            yield from translator.feed(event)
    for event in lines.flush():
        yield from translator.feed(event)


def chunks_of(*events: Event) -> list[AnswerEvent]:
    return list(translate(json.dumps(event).encode() + b"\n" for event in events))


def answer(captures: Path, name: str) -> list[AnswerEvent]:
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


def test_a_continuation_is_part_of_the_answer_and_the_last_stop_reason_counts(
    captures: Path,
) -> None:
    chunks = answer(captures, "max_tokens")
    assert chunks[1:-1] == [TextStarted(), *TOKENS, *TOKENS]
    assert finished(captures, "max_tokens") == Finished(FinishReason.STOP, Usage(50, 12))


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


def authentication_failed(said: str, **more: object) -> Event:
    content = [{"type": "text", "text": said}]
    return {
        "type": "assistant",
        "message": {"model": "<synthetic>", "content": content},
        "error": "authentication_failed",
        **more,
    }


@pytest.mark.parametrize(
    "event",
    [
        authentication_failed("Failed to authenticate. API Error: 401 request req_4031"),
        authentication_failed("Invalid API key of account 403 \u00b7 Please run /login"),
        authentication_failed("API Error: 401 (the proxy said API Error: 403)"),
        authentication_failed("Failed to authenticate. API Error: 403", api_error_status=401),
    ],
)
def test_403_elsewhere_in_a_text_does_not_hide_an_authentication_failure(event: Event) -> None:
    with pytest.raises(BackendAuthError):
        chunks_of(event)


@pytest.mark.parametrize(
    "event",
    [
        authentication_failed("API Error: 403"),
        authentication_failed("Failed to authenticate. API Error: 403 simulated"),
        authentication_failed("Not allowed.", api_error_status=403),
    ],
)
def test_with_a_403_the_result_decides(event: Event) -> None:
    result: Event = {"type": "result", "is_error": True, "api_error_status": 403}
    with pytest.raises(BackendForbiddenError):
        chunks_of(event, result)


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


# What the model was stopped from saying, or cut off from.

LENGTH, FILTER = FinishReason.LENGTH, FinishReason.CONTENT_FILTER
FAILED: Event = {**RESULT, "is_error": True, "result": "API Error: told elsewhere"}


def whole_of(events: Iterable[Event], *, cuts_at_limit: bool = False) -> tuple[str, Finished]:
    translator = Translator(handed_out=False, cuts_at_limit=cuts_at_limit)
    *_, last = (chunk for event in events for chunk in translator.feed(event))
    assert isinstance(last, Finished)
    return translator.answer.text, last


def text_of(chunks: Iterable[AnswerEvent]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextDelta))


def events_of(captures: Path, name: str) -> list[Event]:
    return JsonLines(LIMIT).feed((captures / f"{name}.ndjson").read_bytes())


def test_a_stream_ends_where_what_it_said_is_withheld(captures: Path) -> None:
    chunks = answer(captures, "refusal")
    assert chunks[1:] == [TextStarted(), *TOKENS, Finished(FILTER, Usage(25, 6))]


def test_a_whole_answer_is_the_second_try_alone(captures: Path) -> None:
    text, last = whole_of(events_of(captures, "refusal"))
    assert text == "".join(token.text for token in TOKENS)
    assert last == Finished(FinishReason.STOP, Usage(50, 12))


def test_an_answer_that_is_withheld_twice(captures: Path) -> None:
    events = events_of(captures, "refused_twice")
    assert whole_of(events) == ("", Finished(FILTER, Usage(24, 18)))
    chunks = answer(captures, "refused_twice")
    assert text_of(chunks) == "Step one: "
    assert chunks[-1] == Finished(FILTER, Usage(12, 9))


def test_a_stream_goes_on_with_the_second_try_where_nothing_of_the_first_is_out() -> None:
    events = [start("m1"), stop("refusal"), start("m2"), BLOCK, delta("I will not."), RESULT]
    chunks = chunks_of(*events)
    assert text_of(chunks) == "I will not."
    assert isinstance(chunks[-1], Finished)
    assert chunks[-1].finish_reason is FinishReason.STOP


def test_a_stream_without_a_word_that_is_withheld_has_its_role() -> None:
    refused = {**FAILED, "stop_reason": "refusal"}
    assert chunks_of(start("m1"), stop("refusal"), refused)[:2] == [Started("s"), TextStarted()]


def test_text_before_what_is_withheld_stays() -> None:
    events = [start("m1"), BLOCK, delta("kept. "), stop("max_tokens")]
    events += [
        start("m2"),
        BLOCK,
        delta("gone"),
        stop("refusal"),
        {**FAILED, "stop_reason": "refusal"},
    ]
    text, last = whole_of(events)
    assert (text, last.finish_reason) == ("kept. ", FILTER)


@pytest.mark.parametrize("subtype", ["model_refusal_fallback", "model_refusal_no_fallback"])
def test_the_cli_may_tell_of_a_refusal_by_itself(subtype: str) -> None:
    told: Event = {"type": "system", "subtype": subtype}
    events = [start("m1"), BLOCK, delta("gone"), told, start("m2"), BLOCK, delta("new"), RESULT]
    assert whole_of(events)[0] == "new"
    assert text_of(chunks_of(*events)) == "gone"


def test_a_refusal_that_only_the_result_tells() -> None:
    events = [said("m", "gone"), {**RESULT, "stop_reason": "refusal"}]
    text, last = whole_of(events)
    assert (text, last.finish_reason) == ("", FILTER)


def test_a_reply_whose_tool_call_is_missing_is_said_again(captures: Path) -> None:
    events = events_of(captures, "malformed_tool")
    with pytest.raises(EmptyResponseError):
        whole_of(events)
    chunks = answer(captures, "malformed_tool")
    assert text_of(chunks) == "I call"
    assert chunks[-1] == Finished(LENGTH, Usage(12, 9))


def test_the_text_up_to_the_output_limit(captures: Path) -> None:
    chunks = answer(captures, "output_limit")
    text, last = whole_of(events_of(captures, "output_limit"))
    assert (text_of(chunks), chunks[-1]) == (text, last)
    assert re.fullmatch(r"(part \d+ ){4}", text)
    assert last == Finished(LENGTH, Usage(48, 36))


def test_an_answer_that_is_cut_at_the_first_limit(captures: Path) -> None:
    text, last = whole_of(events_of(captures, "output_limit"), cuts_at_limit=True)
    assert re.fullmatch(r"part \d+ ", text)
    assert last == Finished(LENGTH, Usage(12, 9))


@pytest.mark.parametrize("error", ["rate_limit", "server_error", "unknown"])
def test_a_continuation_that_fails_leaves_the_text_so_far(error: str) -> None:
    events = [start("m1"), BLOCK, delta("part 1 "), stop("max_tokens")]
    failed = said("x", "API Error", is_api_error_message=True, error=error)
    for rest in ([failed, FAILED], [{**RETRY, "retry_delay_ms": 60_000}]):
        text, last = whole_of([*events, *rest])
        assert (text, last.finish_reason) == ("part 1 ", LENGTH)
        assert text_of(chunks_of(*events, *rest)) == "part 1 "


@pytest.mark.parametrize(
    "refused",
    [
        {"type": "system", "subtype": "api_retry", "error_status": 401},
        said("m2", "API Error: 401", error="authentication_failed", is_api_error_message=True),
    ],
)
def test_a_continuation_without_credentials_leaves_the_text_so_far(refused: Event) -> None:
    events = [start("m1"), BLOCK, delta("part 1 "), stop("max_tokens"), refused]
    text, last = whole_of(events)
    assert (text, last.finish_reason) == ("part 1 ", LENGTH)


def test_a_continuation_that_never_comes_leaves_the_text_so_far() -> None:
    translator = Translator()
    for event in (start("m1"), BLOCK, delta("part 1 "), stop("max_tokens")):
        list(translator.feed(event))
    last = list(translator.give_up(StreamCutError("silent")))[-1]
    assert isinstance(last, Finished)
    assert last.finish_reason is LENGTH


def test_a_continuation_repeats_nothing() -> None:
    events = [start("m1"), BLOCK, delta("The quick brown fox jumps over"), stop("max_tokens")]
    events += [start("m2"), BLOCK, delta("jumps"), delta(" over the"), delta(" dog"), RESULT]
    chunks = chunks_of(*events)
    assert text_of(chunks) == whole_of(events)[0] == "The quick brown fox jumps over the dog"


def test_an_output_limit_before_the_first_word() -> None:
    limit = {**FAILED, "api_error": "max_output_tokens"}
    with pytest.raises(EmptyResponseError, match="output limit"):
        chunks_of(start("m"), stop("max_tokens"), limit)


def test_a_full_context_window_cuts_the_text(captures: Path) -> None:
    chunks = answer(captures, "context_window")
    assert text_of(chunks) == "This is cut he"
    assert chunks[-1] == Finished(LENGTH, Usage(12, 9))
    assert whole_of(events_of(captures, "context_window"))[0] == "This is cut he"


@pytest.mark.parametrize("handed_out", [True, False])
def test_a_full_context_window_before_the_first_word(captures: Path, handed_out: bool) -> None:
    data = (captures / "context_window_empty.ndjson").read_bytes()
    with pytest.raises(ContextLengthError) as caught:
        list(translate([data], handed_out=handed_out))
    assert caught.value.is_repeatable is False


def test_half_of_an_answer_does_not_stop(captures: Path) -> None:
    assert finished(captures, "pause_turn").finish_reason is LENGTH
    events = [start("m1"), BLOCK, delta("one "), stop("pause_turn")]
    events += [start("m2"), BLOCK, delta("two"), stop("end_turn"), RESULT]
    text, last = whole_of(events)
    assert (text, last.finish_reason) == ("one two", FinishReason.STOP)


# Waiting.

RETRY: Event = {
    "type": "system",
    "subtype": "api_retry",
    "attempt": 1,
    "error_status": 429,
    "error": "rate_limit",
}


@pytest.mark.parametrize("name", ["limit_login", "limit_login_wait"])
def test_a_login_that_is_over_its_limit(
    captures: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (info,) = (it["rate_limit_info"] for it in events_of(captures, name) if "rate_limit_info" in it)
    assert isinstance(info, dict)
    captured_at = info["resetsAt"] - 3600
    monkeypatch.setattr(time, "time", lambda: captured_at)
    with pytest.raises(BackendRateLimitedError) as caught:
        answer(captures, name)
    assert caught.value.retry_after == pytest.approx(3600, abs=60)


def test_a_wait_that_is_too_long_ends_the_turn_at_once() -> None:
    with pytest.raises(BackendRateLimitedError) as caught:
        chunks_of({**RETRY, "retry_delay_ms": 44_436})
    assert caught.value.retry_after == 44.436


def test_waits_add_up() -> None:
    short = {**RETRY, "retry_delay_ms": 3000}
    assert chunks_of(short) == []
    with pytest.raises(BackendRateLimitedError) as caught:
        chunks_of(short, short)
    assert caught.value.retry_after == 3


def test_no_more_retries_than_are_allowed() -> None:
    short = {**RETRY, "error_status": 529, "error": "overloaded", "retry_delay_ms": 100}
    assert chunks_of(short, {**short, "attempt": 2}) == []
    with pytest.raises(BackendFailedError):
        chunks_of(short, {**short, "attempt": 3})


def test_a_longer_patience() -> None:
    translator = Translator(patience=Patience(seconds=60))
    assert list(translator.feed({**RETRY, "retry_delay_ms": 44_436})) == []


def test_a_wait_in_mid_stream_is_an_error_of_the_stream() -> None:
    with pytest.raises(BackendRateLimitedError, match="45 s"):
        chunks_of(start("m"), BLOCK, delta("x"), {**RETRY, "retry_delay_ms": 44_436})


def test_a_warning_of_a_limit_changes_nothing() -> None:
    info = {"status": "allowed_warning", "resetsAt": 1, "utilization": 0.9}
    warning: Event = {"type": "rate_limit_event", "rate_limit_info": info}
    assert chunks_of(warning, start("m"), BLOCK, delta("x"), RESULT) == chunks_of(
        start("m"), BLOCK, delta("x"), RESULT
    )


def test_a_message_that_has_begun_can_start_the_stream() -> None:
    translator = Translator()
    assert list(translator.feed(start("m"))) == []
    assert translator.is_thinking
    assert list(translator.start()) == [Started("s")]
    assert not translator.is_thinking
    assert list(translator.feed(BLOCK)) == [TextStarted()]


def test_an_error_without_a_status_is_internal() -> None:
    with pytest.raises(BackendCrashedError):
        chunks_of({**FAILED, "subtype": "error_during_execution"})
