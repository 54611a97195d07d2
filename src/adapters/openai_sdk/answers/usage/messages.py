"""The usage in relayed streams of Anthropic's API; sans-I/O."""

import re

from modegate.adapters.openai_sdk.answers.lenient_json import loads
from modegate.adapters.openai_sdk.answers.sse_events import parse_events
from modegate.dialects.messages.upstream.usage import MessageUsage
from modegate.dialects.usage.answers import settled
from modegate.dialects.usage.reported import model_in
from modegate.domain.answer.usage import Usage

# In the text of an answer these quotation marks would be escaped.
START, DELTA = b'"message_start"', b'"message_delta"'
TEXT = re.compile(
    rb'"(?:text|thinking|partial_json)"\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)"',
)


class MessageStreamUsage:
    """Observes whole events of one stream; only those with a usage are parsed."""

    def __init__(self) -> None:
        self._usage = MessageUsage()
        self._model: str | None = None
        self._is_final = False
        self._text_size = 0

    def note(self, piece: bytes) -> None:
        """Accepts the next events."""
        self._text_size += sum(len(text) for text in TEXT.findall(piece))
        if START in piece or DELTA in piece:
            for event in parse_events(piece):
                if START in event.data or DELTA in event.data:
                    self._read(event.data)

    def total(self, body_size: int, *, estimates: bool) -> tuple[Usage | None, str | None]:
        """Returns the usage so far, and the model; that of a cut answer is estimated."""
        usage = self._usage.usage
        if estimates and not self._is_final:
            if usage is not None:
                usage.completion_tokens = 0  # the first event tells no more than a beginning
            usage = settled(usage, body_size, self._text_size)
        return usage, self._model

    def _read(self, data: bytes) -> None:
        try:
            event = loads(data)
        except ValueError:
            return
        if not isinstance(event, dict):
            return
        if event.get("type") == "message_start" and isinstance(event.get("message"), dict):
            self._model = model_in(event["message"])
            self._usage.add(event["message"].get("usage"))
        elif event.get("type") == "message_delta":
            self._is_final = True
            self._usage.add(event.get("usage"))
