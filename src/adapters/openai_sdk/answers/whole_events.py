"""Splits a stream of server-sent events after whole events; sans-I/O."""

from modegate.adapters.openai_sdk.answers.lenient_json import loads
from modegate.adapters.openai_sdk.answers.sse_events import parse_events
from modegate.adapters.openai_sdk.answers.sse_relay import complete_events
from modegate.domain.errors.catalogue import upstream as errors

DONE = b"[DONE]"


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
        return complete_events(self._tail, data)

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
