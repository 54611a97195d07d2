import json

import pytest

from modegate.adapters.openai_sdk.answers.sse_relay import EVENT_LIMIT, SseRelay
from modegate.domain.errors import OutputLimitError


def chunk(text: str | None, reason: str | None = None, index: int = 0) -> bytes:
    delta = {} if text is None else {"content": text}
    choice = {"index": index, "delta": delta, "finish_reason": reason}
    return b"data: " + json.dumps({"id": "c", "choices": [choice]}).encode() + b"\n\n"


WORDS = [chunk("Hel"), chunk('lo "finish_reason": "stop" \n'), b": a comment\n\n", chunk("ü")]
FINISH = chunk(None, "stop")
USAGE = b'data: {"id":"c","choices":[],"usage":{"total_tokens":3}}\n\n'
DONE = b"data: [DONE]\n\n"
STREAM = b"".join([*WORDS, FINISH, USAGE, DONE])
RELAYED = STREAM.removesuffix(DONE)


def relay(*pieces: bytes, choices: int = 1) -> tuple[bytes, SseRelay]:
    machine = SseRelay(choices)
    out = b"".join(machine.feed(piece) for piece in pieces)
    return out + machine.finish(), machine


def test_a_stream_is_relayed_without_its_done_event() -> None:
    out, machine = relay(STREAM)
    assert out == RELAYED
    assert machine.done
    assert machine.whole


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_split_is_relayed_as_the_same_bytes_for_every_line_ending(end: bytes) -> None:
    stream, expected = STREAM.replace(b"\n", end), RELAYED.replace(b"\n", end)
    for at in range(len(stream) + 1):
        out, machine = relay(stream[:at], stream[at:])
        assert out == expected
        assert machine.done
    assert relay(*(stream[i : i + 1] for i in range(len(stream))))[0] == expected


def test_a_cut_stream_gives_complete_events_and_reports_completeness() -> None:
    before_finish = len(b"".join(WORDS))
    for at in range(len(STREAM) + 1):
        out, machine = relay(STREAM[:at])
        assert RELAYED.startswith(out) or out == RELAYED
        assert out == b"" or out.endswith(b"\n\n")
        assert machine.whole == (at >= before_finish + len(FINISH) - 2)


def test_complete_events_are_relayed_at_once() -> None:
    machine = SseRelay()
    assert machine.feed(WORDS[0] + b"data: {") == WORDS[0]
    assert machine.feed(b'"x":1}\n\n') == b'data: {"x":1}\n\n'


def test_events_after_the_done_event_are_ignored() -> None:
    out, machine = relay(STREAM + chunk("late"), chunk("later"))
    assert out == RELAYED
    assert machine.done


def test_a_done_marker_within_text_does_not_end_the_stream() -> None:
    text = chunk("data: [DONE]\n\ndata: [DONE]")
    assert relay(text, FINISH, DONE)[0] == text + FINISH


@pytest.mark.parametrize("end", [b"data: [DONE]", b"data:[DONE]\n", b"data: [DONE]\r\n"])
def test_a_done_event_without_a_blank_line_ends_the_stream(end: bytes) -> None:
    out, machine = relay(FINISH + end)
    assert (out.strip(b"\r\n"), machine.done) == (FINISH.strip(), True)


def test_a_missing_done_event_after_a_finish_is_not_a_cut() -> None:
    _, machine = relay(b"".join(WORDS) + FINISH)
    assert machine.whole
    assert not machine.done


def test_a_stream_is_complete_only_if_every_choice_has_finished() -> None:
    one = chunk(None, "stop", 0)
    assert not relay(one, choices=2)[1].whole
    assert relay(one, chunk(None, "length", 1), choices=2)[1].whole


@pytest.mark.parametrize(
    ("event", "whole"),
    [
        (b'data: {"error": {"message": "x"}}\n\n', True),
        (b'event: error\ndata: {"message": "x"}\n\n', True),
        (b'data: {"id": "c", "choices": [], "error": {"code": 502}}\n\n', True),
        (b'error: {"message": "x"}\n\n', True),
        (b'data: {"error": null, "choices": []}\n\n', False),
        (b'data: {"choices": [{"delta": {"error": "x"}}]}\n\n', False),
        (chunk('{"error": 1}'), False),
    ],
)
def test_an_upstream_error_event_completes_the_stream(event: bytes, whole: bool) -> None:
    assert relay(WORDS[0], event)[1].whole is whole


@pytest.mark.parametrize(
    ("last", "relayed", "cut"),
    [
        (b'error: {"message": "x"}', True, False),
        (b'event: error\ndata: {"message": "x"}\r\n', True, False),
        (FINISH.rstrip(), True, False),
        (b"", False, False),
        (b"\n", False, False),
        (b'data: {"choices": [', False, True),
        (b"error: {", False, True),
        (b": a comment", False, True),
    ],
)
def test_the_last_event_without_a_blank_line_is_relayed_only_if_it_is_whole(
    last: bytes, relayed: bool, cut: bool
) -> None:
    out, machine = relay(WORDS[0], last)
    assert (
        out.rstrip() == WORDS[0] + last.rstrip() if relayed else out.rstrip() + b"\n\n" == WORDS[0]
    )
    assert machine.failed == (relayed and b"error" in last)
    assert machine.cut is cut


def test_an_event_above_the_size_limit_is_rejected() -> None:
    machine = SseRelay()
    machine.feed(b"data: " + b"x" * (EVENT_LIMIT - 6))
    with pytest.raises(OutputLimitError):
        machine.feed(b"x")


@pytest.mark.parametrize("reason", ["", None])
def test_an_empty_or_null_finish_reason_does_not_finish_a_choice(reason: str | None) -> None:
    _, machine = relay(chunk("Hel", reason))
    assert not machine.whole
    _, machine = relay(chunk("Hel", reason), FINISH)
    assert machine.whole


@pytest.mark.parametrize(
    ("stream", "spoke"),
    [
        (b": hb\n\n", False),
        (b"data:\n\ndata: \n\n", False),
        (b"id: 1\nretry: 3\n\n", False),
        (DONE, False),
        (b": hb\n\n" + DONE, False),
        (FINISH, True),
        (b"data:{}\r\r", False),
        (b'data: {"choices": [ ]}\n\n', False),
        (b'data: {"choices":\t[{}]}\r\r', True),
        (b'error: {"x": 1}\n\n', False),
    ],
)
def test_only_events_with_a_choice_count_as_part_of_the_answer(stream: bytes, spoke: bool) -> None:
    assert relay(stream)[1].spoke is spoke


def test_events_after_an_error_event_are_relayed() -> None:
    error = b'data: {"error": {"message": "x"}}\n\n'
    out, machine = relay(WORDS[0], error, WORDS[1], DONE)
    assert out == WORDS[0] + error + WORDS[1]
    assert machine.failed
