"""The usage in answers that are relayed unchanged; sans-I/O, with bounded memory."""

import json
import re
from collections.abc import Mapping
from typing import Protocol

from modegate.adapters.openai_sdk.answers.content_type import EVENTS_TYPE, JSON_TYPE
from modegate.adapters.openai_sdk.answers.lenient_json import loads
from modegate.adapters.openai_sdk.answers.usage.chunks import NAME, USAGE
from modegate.adapters.openai_sdk.answers.usage.messages import MessageStreamUsage
from modegate.dialects.usage.answers import settled, usage_of
from modegate.dialects.usage.reported import model_in, read_usage
from modegate.domain.answer.usage import Usage
from modegate.domain.routing.operation import Spending
from modegate.domain.routing.upstream import UpstreamKind

# Up to this size JSON is parsed; of a longer text its beginning and its end are searched.
PARSED_BYTES = 64 * 1024
ENDS_BYTES = 16 * 1024
MODEL = re.compile(rb'model(?<="model)"\s*:\s*("[^"\\]{1,256}")')
DELTA = re.compile(rb'delta(?<="delta)"\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)"')
DECODER = json.JSONDecoder()

Found = tuple[Usage | None, str | None]


class ContentUsage(Protocol):
    """Observes an answer piece by piece."""

    def note(self, piece: bytes) -> None:
        """Accepts the next piece."""

    def total(self, body_size: int, *, estimates: bool) -> Found:
        """Returns the usage so far, and the model; `estimates` allows what was not reported."""


class JsonUsage:
    """Observes one JSON answer; keeps its beginning and its end."""

    def __init__(self) -> None:
        self._begun = bytearray()
        self._end = b""

    def note(self, piece: bytes) -> None:
        """Accepts the next piece, of any size."""
        room = PARSED_BYTES - len(self._begun)
        if room > 0:
            self._begun += piece[:room]
            piece = piece[room:]
        if piece:
            self._end = (self._end + piece[-ENDS_BYTES:])[-ENDS_BYTES:]

    def total(self, body_size: int, *, estimates: bool) -> Found:
        """Returns the usage, and the model; without a report the prompt is estimated."""
        begun = bytes(self._begun)
        if self._end:
            usage, model = _found_at_ends(begun, (begun + self._end)[-ENDS_BYTES:])
        else:
            usage, model = found_in(begun)
        return (settled(usage, body_size, 0) if estimates else usage), model


class EventUsage:
    """Observes whole events, for instance those of the Responses API."""

    def __init__(self) -> None:
        self._usage: Usage | None = None
        self._model: str | None = None
        self._text_size = 0

    def note(self, piece: bytes) -> None:
        """Accepts the next events."""
        self._text_size += sum(len(text) for text in DELTA.findall(piece))
        if self._model is None and (model := MODEL.search(piece)):
            self._model = _model(model[1])
        if NAME in piece and (found := _last_usage(piece)) is not None:
            self._usage = found

    def total(self, body_size: int, *, estimates: bool) -> Found:
        """Returns the usage so far, and the model; without a report it is estimated."""
        usage = self._usage
        if estimates and not (usage is not None and usage.completion_tokens):
            usage = settled(usage, body_size, self._text_size)
        return usage, self._model


def content_usage(
    media_type: str, spending: Spending, kind: UpstreamKind = UpstreamKind.OPENAI
) -> ContentUsage | None:
    """Returns the observer for an answer of an API; None for content without a usage.

    An answer of text may lack the media type of JSON.
    """
    if spending is Spending.NOTHING:
        return None
    if media_type == EVENTS_TYPE:
        return MessageStreamUsage() if kind is UpstreamKind.ANTHROPIC else EventUsage()
    is_json = media_type == JSON_TYPE or media_type.endswith("+json")
    return JsonUsage() if is_json or spending is Spending.TOKENS else None


def found_in(body: bytes) -> Found:
    """Returns the usage and the model in a JSON body; of a long one it searches both ends."""
    if len(body) > PARSED_BYTES:
        return _found_at_ends(body[:ENDS_BYTES], body[-ENDS_BYTES:])
    try:
        answer = loads(body)
    except ValueError:
        return None, None
    if not isinstance(answer, Mapping):
        return None, None
    return read_usage(answer.get("usage")), model_in(answer)


def usage_in_body(body: bytes, body_size: int) -> tuple[Usage, str | None]:
    """Returns the usage and the model of a completion, given the size of its request's body."""
    if len(body) <= PARSED_BYTES and isinstance(answer := loads(body), Mapping):
        return usage_of(answer, body_size), model_in(answer)
    usage, model = found_in(body)
    return settled(usage, body_size, len(body)), model


def _found_at_ends(begun: bytes, end: bytes) -> Found:
    usage = _last_usage(end) or _last_usage(begun[:ENDS_BYTES])
    model = MODEL.search(begun[:ENDS_BYTES]) or MODEL.search(end)
    return usage, None if model is None else _model(model[1])


def _last_usage(text: bytes) -> Usage | None:
    """Returns the last usage in a part of JSON."""
    found = None
    for match in USAGE.finditer(text):
        try:
            value, _ = DECODER.raw_decode(text[match.end() - 1 :].decode("utf-8", "replace"))
        except ValueError:
            continue
        found = read_usage(value) or found
    return found


def _model(quoted: bytes) -> str | None:
    try:
        return model_in({"model": loads(quoted)})
    except ValueError:
        return None
