"""A relayed stream of Anthropic's API: what is known of its end; pure."""

import re

from modegate.dialects.dialect import ErrorFacts
from modegate.dialects.messages.errors import error_event

# In the text of an answer these quotation marks would be escaped.
ENDS = (b"message_stop", b"error")
END = re.compile(rb'(?:(?:\A|[\r\n])event:[ \t]*|"type"\s*:\s*")(?:message_stop|error)["\r\n \t]')


class RelayedMessageEvents:
    """Observes the events of one stream, and renders the event that reports its cut."""

    def __init__(self) -> None:
        self.is_complete = False

    def note(self, events: bytes) -> None:
        """Accepts whole events as they pass."""
        if not self.is_complete and any(end in events for end in ENDS):
            self.is_complete = END.search(events) is not None

    def cut(self, error: ErrorFacts) -> bytes:
        """Returns an error event."""
        return error_event(error)
