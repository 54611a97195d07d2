"""The usage in a stream of chunks; sans-I/O."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Self

from modegate.adapters.openai_sdk.answers.lenient_json import loads
from modegate.adapters.openai_sdk.answers.sse_events import parse_events
from modegate.dialects.usage.answers import settled, text_size
from modegate.dialects.usage.reported import model_in, read_usage
from modegate.domain.answer.usage import Usage
from modegate.domain.usage.estimates import TEXT_BYTES_A_TOKEN

NAME = b'"usage"'
# A usage that is not null. In the text of an answer these quotation marks would be escaped.
USAGE = re.compile(rb'usage(?<="usage)"\s*:\s*\{')
# Two line ends; the groups are atomic, because CRLF is one line end.
EVENT_END = re.compile(rb"(?>\r\n|\r|\n)(?>\r\n|\r|\n)")
DATA = b"data:"


class ChunkUsage:
    """Observes the events of one stream; `body_size` is that of the request's body in bytes.

    If it `hides` the usage, it removes the chunk without choices for which the client did not ask.
    """

    def __init__(self, body_size: int, *, hides: bool = False) -> None:
        self._body_size = body_size
        self._hides = hides
        self._reported: Usage | None = None
        self._model: str | None = None
        self._size = 0
        self._count = 0
        self._first = b""  # read at the end, if the upstream does not report everything
        # A removed event ended with CR: an LF that follows is the rest of its line end.
        self._removed_cr = False

    def look(self, events: bytes) -> bytes:
        """Returns the events for the client: whole events, of which at most one is removed."""
        if self._removed_cr:
            self._removed_cr = False
            events = events.removeprefix(b"\n")
        if not self._count:
            self._first = events
        self._size += len(events)
        self._count += events.count(DATA)
        if events.find(NAME) >= 0 and USAGE.search(events):
            return self._without_usage(events)
        return events

    def total(self) -> tuple[Usage, str | None]:
        """Returns the usage so far, and the model that the chunks name.

        What the upstream did not report is estimated.
        """
        reported, model = self._reported, self._model
        if reported is not None and reported.completion_tokens and model is not None:
            return reported, model
        first = _FirstChunk.of(self._first)
        return settled(reported, self._body_size, self._text_size(first)), model or first.model

    def _text_size(self, first: "_FirstChunk") -> int:
        """Returns the estimated bytes of the text: few providers send less than a token a chunk."""
        if self._count <= 1:
            return first.text_size
        by_size = self._size - self._count * first.frame_size
        return max(by_size, first.text_size, (self._count - 1) * TEXT_BYTES_A_TOKEN)

    def _without_usage(self, events: bytes) -> bytes:
        parts = list(_split(events))
        kept = [part for part in parts if not self._is_hidden(part)]
        self._removed_cr = events.endswith(b"\r") and kept[-1:] != parts[-1:]
        return b"".join(kept)

    def _is_hidden(self, event: bytes) -> bool:
        """Notes an event's usage; returns whether it is the chunk that only modegate asked for."""
        if not USAGE.search(event):
            return False
        for chunk in _chunks(event):
            if (usage := read_usage(chunk.get("usage"))) is not None:
                self._note(usage)
                self._model = model_in(chunk) or self._model
                return self._hides and not chunk.get("choices")
        return False

    def _note(self, usage: Usage) -> None:
        """Keeps the last report; one without completion tokens does not replace another one."""
        if usage.completion_tokens or self._reported is None:
            self._reported = usage


class _FirstChunk(NamedTuple):
    """The model that the first chunk names, the bytes of its text, and of the chunk without it."""

    model: str | None = None
    text_size: int = 0
    frame_size: int = 0

    @classmethod
    def of(cls, events: bytes) -> Self:
        """Reads the first chunk of `events`."""
        for part in _split(events):
            for chunk in _chunks(part):
                size = text_size(chunk.get("choices"))
                return cls(model_in(chunk), size, len(part) - size)
        return cls()


def _split(events: bytes) -> Iterator[bytes]:
    """Yields the events, and first the rest of a line end, if the events begin with one."""
    begin = len(events) - len(events.lstrip(b"\r\n"))
    if begin:
        yield events[:begin]
    for end in EVENT_END.finditer(events, begin):
        yield events[begin : end.end()]
        begin = end.end()
    if begin < len(events):
        yield events[begin:]


def _chunks(event: bytes) -> Iterator[Mapping[str, object]]:
    for parsed in parse_events(event):
        try:
            value = loads(parsed.data)
        except ValueError:
            continue
        if isinstance(value, dict):
            yield value
