"""What is known of the end of a stream of responses."""

import json

import pytest

from modegate.dialects.dialect import ErrorFacts
from modegate.dialects.responses.relayed_stream import ResponsesEvents

CUT = ErrorFacts(status=502, kind="server_error", code="timeout", message="Cut.")


def event(kind: str, number: int, **more: object) -> bytes:
    return b"data: %b\n\n" % json.dumps({"type": kind, "sequence_number": number, **more}).encode()


@pytest.mark.parametrize("kind", ["completed", "failed", "incomplete"])
def test_an_end_completes_the_stream(kind: str) -> None:
    events = ResponsesEvents()
    events.note(event("response.created", 0))
    assert not events.is_complete
    events.note(event(f"response.{kind}", 1))
    assert events.is_complete


def test_the_upstreams_own_error_completes_the_stream() -> None:
    events = ResponsesEvents()
    events.note(b"event: error\ndata: {}\n\n")
    assert events.is_complete


def test_words_in_a_text_are_no_end() -> None:
    events = ResponsesEvents()
    text = 'event: error\n"type":"response.completed" error "sequence_number": 99'
    events.note(event("response.output_text.delta", 4, delta=text))
    assert not events.is_complete
    assert json.loads(events.cut(CUT).partition(b"data: ")[2])["sequence_number"] == 5


def test_the_first_event_of_a_stream_cut_at_once_has_the_number_0() -> None:
    assert b'"sequence_number":0' in ResponsesEvents().cut(CUT)
