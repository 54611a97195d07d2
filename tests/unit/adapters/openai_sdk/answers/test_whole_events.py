"""Events are passed on whole."""

import pytest

from modegate.adapters.openai_sdk.answers.sse_relay import EVENT_LIMIT
from modegate.adapters.openai_sdk.answers.whole_events import WholeEvents
from modegate.domain.errors import OutputLimitError, StreamCutError

STREAM = b'data: {"a":1}\n\n: note\n\nevent: x\r\ndata: {"b":\r\ndata: 2}\r\n\r\ndata: {"c":3}\r\r'


def test_every_cut_gives_the_same_bytes_in_whole_events() -> None:
    for at in range(len(STREAM)):
        events = WholeEvents()
        pieces = [events.feed(STREAM[:at]), events.feed(STREAM[at:]), events.finish()]
        assert b"".join(pieces).rstrip(b"\r\n") == STREAM.rstrip(b"\r\n")
        assert all(not it or it.endswith((b"\n", b"\r")) for it in pieces)


def test_a_last_event_without_its_blank_line_is_completed() -> None:
    events = WholeEvents()
    assert events.feed(b'data: {"a":1}') == b""
    assert events.finish() == b'data: {"a":1}\n\n'
    assert events.feed(b"data: [DONE]\n") + events.finish() == b"data: [DONE]\n\n"


def test_a_part_of_an_event_is_a_cut() -> None:
    events = WholeEvents()
    events.feed(b'data: {"a":')
    with pytest.raises(StreamCutError):
        events.finish()


def test_an_endless_event_is_refused() -> None:
    events = WholeEvents()
    assert events.feed(b"x" * EVENT_LIMIT) == b""
    with pytest.raises(OutputLimitError):
        events.feed(b"x")
