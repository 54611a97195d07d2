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
    MessageStarted,
    Started,
    TextDelta,
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


def test_a_captured_answer_is_translated_to_events(captures: Path) -> None:
    usage = Usage(965, 6, 900, cache_write_tokens=40, cost_usd=0.0001 * 3)
    assert answer(captures, "text") == [
        Started("2cb703a8-f70b-4e7f-b4f6-d3b3a057d8e1"),
        MessageStarted(),
        *TOKENS,
        Finished(FinishReason.STOP, usage),
    ]


def test_thinking_starts_the_turn_and_is_not_emitted(captures: Path) -> None:
    chunks = answer(captures, "thinking")
    assert isinstance(chunks[0], Started)
    assert chunks[1:-1] == [MessageStarted(), *TOKENS]


def test_a_continuation_is_appended_and_its_stop_reason_is_used(
    captures: Path,
) -> None:
    chunks = answer(captures, "max_tokens")
    assert chunks[1:-1] == [MessageStarted(), *TOKENS, *TOKENS]
    usage = Usage(50, 12, cost_usd=0.00022)
    assert finished(captures, "max_tokens") == Finished(FinishReason.STOP, usage)


def test_a_built_in_tool_call_adds_nothing_to_the_answer(captures: Path) -> None:
    chunks = answer(captures, "builtin_tool")
    assert chunks[1:-1] == [MessageStarted(), *TOKENS]
    assert finished(captures, "builtin_tool").finish_reason is FinishReason.STOP


def test_text_is_not_repeated_after_a_broken_upstream_stream(captures: Path) -> None:
    assert answer(captures, "droponce")[1:-1] == [MessageStarted(), *TOKENS]


def test_a_result_without_deltas_is_emitted_as_one_text(captures: Path) -> None:
    chunks = answer(captures, "json_result")
    assert chunks[1:-1] == [MessageStarted(), TextDelta("".join(token.text for token in TOKENS))]


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
def test_captured_failures_raise_errors_without_upstream_details(
    captures: Path, name: str, error: type[GatewayError]
) -> None:
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
def test_a_403_authentication_failure_is_decided_by_the_result(event: Event) -> None:
    result: Event = {"type": "result", "is_error": True, "api_error_status": 403}
    with pytest.raises(BackendForbiddenError):
        chunks_of(event, result)


@pytest.mark.parametrize("name", ["text", "droponce", "thinking"])
def test_every_split_of_a_capture_gives_the_same_answer(captures: Path, name: str) -> None:
    data = (captures / f"{name}.ndjson").read_bytes()
    whole = list(translate([data]))
    for at in range(0, len(data), 7):
        assert list(translate([data[:at], data[at:]])) == whole
    assert list(translate(data[i : i + 1] for i in range(len(data)))) == whole


@pytest.mark.parametrize("name", ["text", "max_tokens"])
def test_a_truncated_capture_never_gives_a_finished_event(captures: Path, name: str) -> None:
    lines = (captures / f"{name}.ndjson").read_bytes().splitlines(keepends=True)
    for count in range(len(lines)):
        chunks = list(translate(lines[:count]))
        assert not any(isinstance(chunk, Finished) for chunk in chunks)


# Cases that the captures do not cover.

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
def test_stop_reasons_map_to_finish_reasons(stop_reason: str, finish_reason: FinishReason) -> None:
    last = chunks_of(start("m"), BLOCK, delta("x"), stop(stop_reason), RESULT)[-1]
    assert isinstance(last, Finished)
    assert last.finish_reason is finish_reason


def test_the_stop_text_that_ended_the_answer_is_named() -> None:
    delta_of_end = {"stop_reason": "stop_sequence", "stop_sequence": "END"}
    ended = stream_event(type="message_delta", delta=delta_of_end, usage={"output_tokens": 2})
    last = chunks_of(start("m"), BLOCK, delta("x"), ended, RESULT)[-1]
    assert isinstance(last, Finished)
    assert (last.finish_reason, last.stop_text) == (FinishReason.STOP, "END")


def test_a_message_without_deltas_is_emitted_at_once() -> None:
    assert chunks_of(said("m", "one "), said("m", "two"), RESULT)[:-1] == [
        Started("s"),
        MessageStarted(),
        TextDelta("one "),
        TextDelta("two"),
    ]


def test_a_retry_without_deltas_repeats_no_text() -> None:
    events = [start("m1"), BLOCK, delta("one "), said("m2", "one two"), RESULT]
    retry: Event = {"type": "system", "subtype": "api_retry", "error_status": None}
    assert chunks_of(*events[:3], retry, *events[3:])[2:-1] == [TextDelta("one "), TextDelta("two")]


def test_a_message_that_replaces_an_unfinished_one_repeats_no_text() -> None:
    events = [start("m1"), BLOCK, delta("one "), start("m2"), delta("one "), delta("two"), RESULT]
    assert chunks_of(*events)[2:-1] == [TextDelta("one "), TextDelta("two")]


def test_a_retry_with_different_text_cuts_the_stream() -> None:
    events = [start("m1"), BLOCK, delta("one "), start("m2"), delta("other")]
    with pytest.raises(StreamCutError):
        chunks_of(*events)


def test_a_retry_may_differ_if_no_text_was_handed_out() -> None:
    events = [start("m1"), BLOCK, delta("one "), start("m2"), delta("other"), RESULT]
    translator = Translator(handed_out=False)
    chunks = [chunk for event in events for chunk in translator.feed(event)]
    assert isinstance(chunks[-1], Finished)
    assert translator.answer.text == "other"


def test_subagent_text_is_not_part_of_the_answer() -> None:
    sub = {**delta("secret plan"), "parent_tool_use_id": "toolu_1"}
    assert TextDelta("secret plan") not in chunks_of(start("m"), BLOCK, sub, delta("x"), RESULT)


def test_usage_falls_back_to_the_stream_and_then_to_an_estimate() -> None:
    silent = {**RESULT, "usage": {"input_tokens": 3}}
    last = chunks_of(start("m"), BLOCK, delta("x"), stop("end_turn", 7), silent)[-1]
    assert last == Finished(FinishReason.STOP, Usage(3, 7))
    last = chunks_of(start("m"), BLOCK, delta("x" * 40), stop("end_turn", 0), silent)[-1]
    assert last == Finished(FinishReason.STOP, Usage(3, 10, estimated=True))
    last = chunks_of(start("m"), BLOCK, delta("x"), silent)[-1]
    assert last == Finished(FinishReason.STOP, Usage(3, 1, estimated=True))


def test_an_answer_without_text_raises_empty_response_error() -> None:
    with pytest.raises(EmptyResponseError):
        chunks_of(start("m"), {**RESULT, "result": ""})


@pytest.mark.parametrize("subtype", ["success", "error_max_turns"])
def test_an_api_error_message_raises_an_error_instead_of_an_answer(subtype: str) -> None:
    events = [said("m", "API Error: boom", is_api_error_message=True, error="server_error")]
    result = {**RESULT, "subtype": subtype, "is_error": subtype == "success"}
    with pytest.raises(BackendFailedError):
        chunks_of(*events, result)


def test_events_after_the_result_are_ignored() -> None:
    assert isinstance(chunks_of(said("m", "x"), RESULT, said("n", "y"), RESULT)[-1], Finished)


def test_unknown_or_malformed_events_are_ignored() -> None:
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


# Refusals, and answers cut by a limit.

LENGTH, FILTER = FinishReason.LENGTH, FinishReason.CONTENT_FILTER
FAILED: Event = {**RESULT, "is_error": True, "result": "API Error: reported elsewhere"}


def buffered_answer(
    events: Iterable[Event], *, cuts_at_limit: bool = False
) -> tuple[str, Finished]:
    translator = Translator(handed_out=False, cuts_at_limit=cuts_at_limit)
    *_, last = (chunk for event in events for chunk in translator.feed(event))
    assert isinstance(last, Finished)
    return translator.answer.text, last


def text_of(chunks: Iterable[AnswerEvent]) -> str:
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextDelta))


def events_of(captures: Path, name: str) -> list[Event]:
    return JsonLines(LIMIT).feed((captures / f"{name}.ndjson").read_bytes())


def test_a_refusal_after_streamed_text_ends_the_stream_with_content_filter(captures: Path) -> None:
    chunks = answer(captures, "refusal")
    assert chunks[1:] == [MessageStarted(), *TOKENS, Finished(FILTER, Usage(25, 6))]


def test_a_buffered_answer_after_a_refusal_has_only_the_text_of_the_retry(captures: Path) -> None:
    text, last = buffered_answer(events_of(captures, "refusal"))
    assert text == "".join(token.text for token in TOKENS)
    assert last == Finished(FinishReason.STOP, Usage(50, 12, cost_usd=0.00022))


def test_a_twice_refused_answer_is_empty_or_cut_with_content_filter(captures: Path) -> None:
    events = events_of(captures, "refused_twice")
    assert buffered_answer(events) == ("", Finished(FILTER, Usage(24, 18)))
    chunks = answer(captures, "refused_twice")
    assert text_of(chunks) == "Step one: "
    assert chunks[-1] == Finished(FILTER, Usage(12, 9))


def test_a_stream_continues_with_the_retry_if_a_refusal_precedes_any_text() -> None:
    events = [start("m1"), stop("refusal"), start("m2"), BLOCK, delta("I will not."), RESULT]
    chunks = chunks_of(*events)
    assert text_of(chunks) == "I will not."
    assert isinstance(chunks[-1], Finished)
    assert chunks[-1].finish_reason is FinishReason.STOP


def test_a_refused_stream_without_text_still_emits_the_text_start() -> None:
    refused = {**FAILED, "stop_reason": "refusal"}
    assert chunks_of(start("m1"), stop("refusal"), refused)[:2] == [Started("s"), MessageStarted()]


def test_text_before_a_refused_continuation_is_kept() -> None:
    events = [start("m1"), BLOCK, delta("kept. "), stop("max_tokens")]
    events += [
        start("m2"),
        BLOCK,
        delta("gone"),
        stop("refusal"),
        {**FAILED, "stop_reason": "refusal"},
    ]
    text, last = buffered_answer(events)
    assert (text, last.finish_reason) == ("kept. ", FILTER)


@pytest.mark.parametrize("subtype", ["model_refusal_fallback", "model_refusal_no_fallback"])
def test_a_refusal_can_be_reported_by_a_system_event(subtype: str) -> None:
    notice: Event = {"type": "system", "subtype": subtype}
    events = [start("m1"), BLOCK, delta("gone"), notice, start("m2"), BLOCK, delta("new"), RESULT]
    assert buffered_answer(events)[0] == "new"
    assert text_of(chunks_of(*events)) == "gone"


def test_a_refusal_reported_only_by_the_result_discards_the_text() -> None:
    events = [said("m", "gone"), {**RESULT, "stop_reason": "refusal"}]
    text, last = buffered_answer(events)
    assert (text, last.finish_reason) == ("", FILTER)


def test_a_malformed_tool_call_discards_buffered_text_and_cuts_streamed_text(
    captures: Path,
) -> None:
    events = events_of(captures, "malformed_tool")
    with pytest.raises(EmptyResponseError):
        buffered_answer(events)
    chunks = answer(captures, "malformed_tool")
    assert text_of(chunks) == "I call"
    assert chunks[-1] == Finished(LENGTH, Usage(12, 9))


def test_text_up_to_the_output_limit_finishes_with_reason_length(captures: Path) -> None:
    chunks = answer(captures, "output_limit")
    text, last = buffered_answer(events_of(captures, "output_limit"))
    assert (text_of(chunks), chunks[-1]) == (text, last)
    assert re.fullmatch(r"(part \d+ ){4}", text)
    assert last == Finished(LENGTH, Usage(48, 36))


def test_cuts_at_limit_ends_the_answer_at_the_first_output_limit(captures: Path) -> None:
    text, last = buffered_answer(events_of(captures, "output_limit"), cuts_at_limit=True)
    assert re.fullmatch(r"part \d+ ", text)
    assert last == Finished(LENGTH, Usage(12, 9))


@pytest.mark.parametrize(("pieces", "said"), [(["one ", "two"], "one two"), ([], "")])
def test_the_clients_own_limit_ends_the_answer_even_without_text(
    pieces: list[str], said: str
) -> None:
    translator = Translator(has_own_limit=True)
    events = [start("m1"), *([BLOCK] if pieces else []), *map(delta, pieces), stop("max_tokens")]
    chunks = [chunk for event in [*events, RESULT] for chunk in translator.feed(event)]
    assert chunks[:2] == [Started("s"), MessageStarted()]
    assert text_of(chunks) == said
    assert isinstance(chunks[-1], Finished)
    assert chunks[-1].finish_reason is LENGTH


@pytest.mark.parametrize("error", ["rate_limit", "server_error", "unknown"])
def test_a_failed_continuation_keeps_the_text_so_far(error: str) -> None:
    events = [start("m1"), BLOCK, delta("part 1 "), stop("max_tokens")]
    failed = said("x", "API Error", is_api_error_message=True, error=error)
    for rest in ([failed, FAILED], [{**RETRY, "retry_delay_ms": 60_000}]):
        text, last = buffered_answer([*events, *rest])
        assert (text, last.finish_reason) == ("part 1 ", LENGTH)
        assert text_of(chunks_of(*events, *rest)) == "part 1 "


@pytest.mark.parametrize(
    "refused",
    [
        {"type": "system", "subtype": "api_retry", "error_status": 401},
        said("m2", "API Error: 401", error="authentication_failed", is_api_error_message=True),
    ],
)
def test_an_unauthenticated_continuation_keeps_the_text_so_far(refused: Event) -> None:
    events = [start("m1"), BLOCK, delta("part 1 "), stop("max_tokens"), refused]
    text, last = buffered_answer(events)
    assert (text, last.finish_reason) == ("part 1 ", LENGTH)


def test_giving_up_on_a_continuation_finishes_with_reason_length() -> None:
    translator = Translator()
    for event in (start("m1"), BLOCK, delta("part 1 "), stop("max_tokens")):
        list(translator.feed(event))
    last = list(translator.give_up(StreamCutError("silent")))[-1]
    assert isinstance(last, Finished)
    assert last.finish_reason is LENGTH


def test_text_repeated_by_a_continuation_is_dropped() -> None:
    events = [start("m1"), BLOCK, delta("The quick brown fox jumps over"), stop("max_tokens")]
    events += [start("m2"), BLOCK, delta("jumps"), delta(" over the"), delta(" dog"), RESULT]
    chunks = chunks_of(*events)
    assert text_of(chunks) == buffered_answer(events)[0] == "The quick brown fox jumps over the dog"


def test_an_output_limit_before_any_text_raises_empty_response_error() -> None:
    limit = {**FAILED, "api_error": "max_output_tokens"}
    with pytest.raises(EmptyResponseError, match="output limit"):
        chunks_of(start("m"), stop("max_tokens"), limit)


def test_a_full_context_window_cuts_the_text(captures: Path) -> None:
    chunks = answer(captures, "context_window")
    assert text_of(chunks) == "This is cut he"
    assert chunks[-1] == Finished(LENGTH, Usage(12, 9))
    assert buffered_answer(events_of(captures, "context_window"))[0] == "This is cut he"


@pytest.mark.parametrize("handed_out", [True, False])
def test_a_full_context_window_before_any_text_raises_context_length_error(
    captures: Path, handed_out: bool
) -> None:
    data = (captures / "context_window_empty.ndjson").read_bytes()
    with pytest.raises(ContextLengthError) as caught:
        list(translate([data], handed_out=handed_out))
    assert caught.value.is_repeatable is False


def test_pause_turn_finishes_with_reason_length_unless_continued(captures: Path) -> None:
    assert finished(captures, "pause_turn").finish_reason is LENGTH
    events = [start("m1"), BLOCK, delta("one "), stop("pause_turn")]
    events += [start("m2"), BLOCK, delta("two"), stop("end_turn"), RESULT]
    text, last = buffered_answer(events)
    assert (text, last.finish_reason) == ("one two", FinishReason.STOP)


# Retries and rate limits.

RETRY: Event = {
    "type": "system",
    "subtype": "api_retry",
    "attempt": 1,
    "error_status": 429,
    "error": "rate_limit",
}


@pytest.mark.parametrize("name", ["limit_login", "limit_login_wait"])
def test_a_login_over_its_rate_limit_raises_an_error_with_the_reset_time(
    captures: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (info,) = (it["rate_limit_info"] for it in events_of(captures, name) if "rate_limit_info" in it)
    assert isinstance(info, dict)
    captured_at = info["resetsAt"] - 3600
    monkeypatch.setattr(time, "time", lambda: captured_at)
    with pytest.raises(BackendRateLimitedError) as caught:
        answer(captures, name)
    assert caught.value.retry_after == pytest.approx(3600, abs=60)


def test_a_too_long_retry_delay_ends_the_turn_at_once() -> None:
    with pytest.raises(BackendRateLimitedError) as caught:
        chunks_of({**RETRY, "retry_delay_ms": 44_436})
    assert caught.value.retry_after == 44.436


def test_the_sum_of_retry_delays_is_bounded() -> None:
    short = {**RETRY, "retry_delay_ms": 3000}
    assert chunks_of(short) == []
    with pytest.raises(BackendRateLimitedError) as caught:
        chunks_of(short, short)
    assert caught.value.retry_after == 3


def test_the_number_of_retries_is_bounded() -> None:
    short = {**RETRY, "error_status": 529, "error": "overloaded", "retry_delay_ms": 100}
    assert chunks_of(short, {**short, "attempt": 2}) == []
    with pytest.raises(BackendFailedError):
        chunks_of(short, {**short, "attempt": 3})


def test_a_longer_patience_accepts_a_longer_retry_delay() -> None:
    translator = Translator(patience=Patience(seconds=60))
    assert list(translator.feed({**RETRY, "retry_delay_ms": 44_436})) == []


def test_a_too_long_retry_delay_in_mid_stream_raises_a_rate_limit_error() -> None:
    with pytest.raises(BackendRateLimitedError, match="45 s"):
        chunks_of(start("m"), BLOCK, delta("x"), {**RETRY, "retry_delay_ms": 44_436})


def test_a_rate_limit_warning_does_not_change_the_answer() -> None:
    info = {"status": "allowed_warning", "resetsAt": 1, "utilization": 0.9}
    warning: Event = {"type": "rate_limit_event", "rate_limit_info": info}
    assert chunks_of(warning, start("m"), BLOCK, delta("x"), RESULT) == chunks_of(
        start("m"), BLOCK, delta("x"), RESULT
    )


def test_a_started_message_can_start_the_stream_before_its_text() -> None:
    translator = Translator()
    assert list(translator.feed(start("m"))) == []
    assert translator.awaits_first_block
    assert list(translator.start()) == [Started("s")]
    assert not translator.awaits_first_block
    assert list(translator.feed(BLOCK)) == [MessageStarted()]


def test_an_error_result_without_a_status_raises_backend_crashed() -> None:
    with pytest.raises(BackendCrashedError):
        chunks_of({**FAILED, "subtype": "error_during_execution"})
