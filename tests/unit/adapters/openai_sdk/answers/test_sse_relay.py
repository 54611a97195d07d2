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
KEPT = STREAM.removesuffix(DONE)


def relay(*pieces: bytes, choices: int = 1) -> tuple[bytes, SseRelay]:
    machine = SseRelay(choices)
    out = b"".join(machine.feed(piece) for piece in pieces)
    return out + machine.finish(), machine


def test_a_stream_is_handed_on_without_its_end_mark() -> None:
    out, machine = relay(STREAM)
    assert out == KEPT
    assert machine.done
    assert machine.whole


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_split_gives_the_same_bytes_for_every_line_end(end: bytes) -> None:
    stream, kept = STREAM.replace(b"\n", end), KEPT.replace(b"\n", end)
    for at in range(len(stream) + 1):
        out, machine = relay(stream[:at], stream[at:])
        assert out == kept
        assert machine.done
    assert relay(*(stream[i : i + 1] for i in range(len(stream))))[0] == kept


def test_a_cut_anywhere_gives_whole_events_and_says_whether_the_answer_is_whole() -> None:
    before_finish = len(b"".join(WORDS))
    for at in range(len(STREAM) + 1):
        out, machine = relay(STREAM[:at])
        assert KEPT.startswith(out) or out == KEPT
        assert out == b"" or out.endswith(b"\n\n")
        assert machine.whole == (at >= before_finish + len(FINISH) - 2)


def test_whole_events_do_not_wait_for_what_follows() -> None:
    machine = SseRelay()
    assert machine.feed(WORDS[0] + b"data: {") == WORDS[0]
    assert machine.feed(b'"x":1}\n\n') == b'data: {"x":1}\n\n'


def test_nothing_behind_the_end_mark_counts() -> None:
    out, machine = relay(STREAM + chunk("late"), chunk("later"))
    assert out == KEPT
    assert machine.done


def test_the_end_mark_is_no_text() -> None:
    text = chunk("data: [DONE]\n\ndata: [DONE]")
    assert relay(text, FINISH, DONE)[0] == text + FINISH


@pytest.mark.parametrize("end", [b"data: [DONE]", b"data:[DONE]\n", b"data: [DONE]\r\n"])
def test_an_end_mark_without_its_blank_line(end: bytes) -> None:
    out, machine = relay(FINISH + end)
    assert (out.strip(b"\r\n"), machine.done) == (FINISH.strip(), True)


def test_a_forgotten_end_mark_after_a_finish_is_no_cut() -> None:
    _, machine = relay(b"".join(WORDS) + FINISH)
    assert machine.whole
    assert not machine.done


def test_every_choice_has_to_finish() -> None:
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
def test_an_upstream_that_tells_its_error_needs_no_second_one(event: bytes, whole: bool) -> None:
    assert relay(WORDS[0], event)[1].whole is whole


def test_an_event_without_end_is_refused() -> None:
    machine = SseRelay()
    machine.feed(b"data: " + b"x" * (EVENT_LIMIT - 6))
    with pytest.raises(OutputLimitError):
        machine.feed(b"x")


@pytest.mark.parametrize("reason", ["", None])
def test_a_reason_that_is_not_known_yet_finishes_nothing(reason: str | None) -> None:
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
def test_only_a_choice_is_a_part_of_an_answer(stream: bytes, spoke: bool) -> None:
    assert relay(stream)[1].spoke is spoke


def test_what_comes_behind_an_error_is_handed_on_too() -> None:
    error = b'data: {"error": {"message": "x"}}\n\n'
    out, machine = relay(WORDS[0], error, WORDS[1], DONE)
    assert out == WORDS[0] + error + WORDS[1]
    assert machine.failed
