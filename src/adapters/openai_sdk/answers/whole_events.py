"""Splits a stream of server-sent events after whole events; sans-I/O."""

from modegate.adapters.openai_sdk.answers.lenient_json import loads
from modegate.adapters.openai_sdk.answers.sse_events import parse_events
from modegate.domain.errors.catalogue import upstream as errors

DONE = b"[DONE]"
EVENT_LIMIT = 16 * 1024 * 1024
# The ends of an event, for the three line ends that the format allows and their combinations.
BOUNDARIES = (b"\n\n", b"\n\r\n", b"\r\r", b"\n\r")
LONGEST_BOUNDARY = 3


class WholeEvents:
    """Accepts bytes as they arrive and returns complete events unchanged."""

    def __init__(self) -> None:
        self._tail = bytearray()

    def feed(self, data: bytes) -> bytes:
        """Returns all events that `data` completes, concatenated; empty if there are none.

        Raises:
            OutputLimitError: if a single event exceeds `EVENT_LIMIT`.
        """
        if not self._tail and data.endswith(b"\n\n"):
            return data
        searched = max(0, len(self._tail) - LONGEST_BOUNDARY)
        self._tail += data
        end = max(
            at + len(boundary) if (at := self._tail.rfind(boundary, searched)) >= 0 else 0
            for boundary in BOUNDARIES
        )
        if end == 0 and len(self._tail) > EVENT_LIMIT:
            raise errors.event_too_long(EVENT_LIMIT)
        events = bytes(self._tail[:end])
        del self._tail[:end]
        return events

    def finish(self) -> bytes:
        """Returns the last event if only its blank line is missing.

        Raises:
            StreamCutError: if the stream ended in the middle of an event.
        """
        rest = bytes(self._tail).rstrip(b"\r\n")
        self._tail.clear()
        if not rest:
            return b""
        if not all(_is_complete(event.data) for event in parse_events(rest)):
            raise errors.stream_cut()
        return rest + b"\n\n"


def _is_complete(data: bytes) -> bool:
    if data.strip() == DONE:
        return True
    try:
        loads(data)
    except ValueError:
        return False
    return True
