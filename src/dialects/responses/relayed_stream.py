"""A relayed stream of the Responses API: what is known of its end; pure."""

import re

from modegate.dialects.dialect import ErrorFacts
from modegate.dialects.json import encode

# The code of each cut, whatever its reason.
CUT = "stream_error"
SEQUENCE = b'"sequence_number"'
NUMBER = re.compile(rb"\s*:\s*(\d+)")
# In the text of an answer these quotation marks would be escaped.
ENDS = (b"response.completed", b"response.failed", b"response.incomplete", b"error")
END = re.compile(
    rb'(?:(?:\A|[\r\n])event:[ \t]*|"type"\s*:\s*")(?:response\.(?:completed|failed|incomplete)|error)'
    rb'["\r\n \t]'
)


class ResponsesEvents:
    """Observes the events of one stream, and renders the event that reports its cut."""

    def __init__(self) -> None:
        self._last_number = -1
        self.is_complete = False

    def note(self, events: bytes) -> None:
        """Accepts whole events as they pass."""
        at = events.rfind(SEQUENCE)
        if at >= 0 and (number := NUMBER.match(events, at + len(SEQUENCE))):
            self._last_number = int(number[1])
        if not self.is_complete and any(end in events for end in ENDS):
            self.is_complete = END.search(events) is not None

    def cut(self, error: ErrorFacts) -> bytes:
        """Returns an error event, with the next sequence number."""
        data = {
            "type": "error",
            "code": CUT,
            "message": error.message,
            "param": None,
            "sequence_number": self._last_number + 1,
        }
        return b"event: error\ndata: %b\n\n" % encode(data)
