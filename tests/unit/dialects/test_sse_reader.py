"""Server-sent events, from streams that are cut at every byte."""

import pytest

from modegate.dialects.sse_reader import ServerSentEvent, SseReader

STREAM = (
    b": a comment\n\n"
    b'data: {"a": 1}\n\n'
    b"event: ping\r\ndata: 2\r\n\r\n"
    b"event: lost\n\n"
    b"data: two\rdata:lines\r\r"
    b"id: 7\ndata: last"
)
EVENTS = [
    ServerSentEvent(b"", b'{"a": 1}'),
    ServerSentEvent(b"ping", b"2"),
    ServerSentEvent(b"", b"two\nlines"),
    ServerSentEvent(b"", b"last"),
]


def read(*pieces: bytes) -> list[ServerSentEvent]:
    reader = SseReader()
    return [it for piece in pieces for it in reader.feed(piece)] + reader.end()


@pytest.mark.parametrize("at", range(len(STREAM) + 1))
def test_a_stream_may_be_cut_anywhere(at: int) -> None:
    assert read(STREAM[:at], STREAM[at:]) == EVENTS


def test_a_stream_may_come_byte_by_byte() -> None:
    assert read(*(bytes([it]) for it in STREAM)) == EVENTS


def test_an_event_comes_with_its_blank_line() -> None:
    reader = SseReader()
    assert reader.feed(b"data: 1\n") == []
    assert reader.feed(b"\n") == [ServerSentEvent(b"", b"1")]
    assert reader.end() == []
