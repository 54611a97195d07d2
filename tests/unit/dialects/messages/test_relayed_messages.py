"""What is known of the end of a relayed stream of messages."""

import json

import pytest

from modegate.dialects.dialect import ErrorFacts
from modegate.dialects.messages.relayed_stream import RelayedMessageEvents

CUT = ErrorFacts(status=502, kind="server_error", code="stream_error", message="Cut.")


@pytest.mark.parametrize(
    "end",
    [
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
        b'data: {"type": "message_stop"}\n\n',
        b'event: error\ndata: {"type": "error", "error": {}}\n\n',
    ],
)
def test_an_end_or_the_upstreams_own_error_completes_the_stream(end: bytes) -> None:
    events = RelayedMessageEvents()
    events.note(b'event: message_start\ndata: {"type":"message_start"}\n\n')
    assert not events.is_complete
    events.note(end)
    assert events.is_complete


def test_words_in_a_text_are_no_end() -> None:
    events = RelayedMessageEvents()
    text = json.dumps('event: error\n"type":"message_stop" error')
    events.note(b'data: {"type": "content_block_delta", "delta": {"text": %b}}\n\n' % text.encode())
    assert not events.is_complete
    name, _, data = events.cut(CUT).partition(b"\ndata: ")
    assert name == b"event: error"
    assert json.loads(data)["error"] == {"type": "api_error", "message": "Cut."}
