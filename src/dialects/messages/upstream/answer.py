"""Reads answers of Anthropic's Messages API, complete and streamed."""

from collections.abc import Iterator, Mapping, Sequence

import orjson

from modegate.dialects.messages.upstream.content import (
    ContentEvents,
    finish_reason_of,
    text_in,
)
from modegate.dialects.messages.upstream.errors import error_of_event
from modegate.dialects.messages.upstream.usage import MessageUsage
from modegate.dialects.sse_reader import SseReader
from modegate.dialects.usage.reported import model_in, read_usage
from modegate.domain.answer.events import AnswerEvent, Finished, MessageStarted, Started
from modegate.domain.answer.usage import Usage
from modegate.domain.errors.catalogue import upstream as errors

Object = Mapping[str, object]

NOTHING: Object = {}
UNKNOWN = Usage(0, 0)


def read_answer(body: bytes) -> Sequence[AnswerEvent]:
    """Returns the events of a complete answer.

    Raises:
        GatewayError: if it is no message.
    """
    message = _object(body)
    if message.get("type") == "error":
        raise error_of_event(message)
    blocks = message.get("content")
    if not isinstance(blocks, list):
        raise errors.no_completion("JSON that is no message")
    content = ContentEvents()
    events: list[AnswerEvent] = [Started(), MessageStarted()]
    for block in blocks:
        if isinstance(block, Mapping):
            events += content.start(block)
            events += content.stop()
    events.append(_finished(message, read_usage(message.get("usage")), model_in(message)))
    return events


class MessageReader:
    """Reads the stream of one answer."""

    def __init__(self) -> None:
        self._events = SseReader()
        self._content = ContentEvents()
        self._usage = MessageUsage()
        self._model: str | None = None
        self._stop: Object | None = None
        self._has_begun = self._is_complete = False

    def feed(self, data: bytes) -> Sequence[AnswerEvent]:
        """Returns the events that are complete after `data`.

        Raises:
            GatewayError: if the stream reports an error, or holds no JSON.
        """
        return [it for event in self._events.feed(data) for it in self._read(event.data)]

    def end(self) -> Sequence[AnswerEvent]:
        """Returns the last events.

        Raises:
            StreamCutError: if the answer was cut.
        """
        last = [it for event in self._events.end() for it in self._read(event.data)]
        if not self._is_complete:
            if self._stop is None:  # some servers leave out `message_stop`
                raise errors.stream_cut()
            last += self._finish()
        return last

    def _read(self, data: bytes) -> Iterator[AnswerEvent]:
        if self._is_complete:
            return
        event = _object(data)
        match event.get("type"):
            case "message_start":
                yield from self._begin(_inner(event, "message"))
            case "content_block_start":
                yield from self._content.start(_inner(event, "content_block"))
            case "content_block_delta":
                yield from self._content.add(_inner(event, "delta"))
            case "content_block_stop":
                yield from self._content.stop()
            case "message_delta":
                self._stop = _inner(event, "delta")
                self._usage.add(event.get("usage"))
            case "message_stop":
                yield from self._finish()
            case "error":
                raise error_of_event(event)
            case _:  # `ping`, and what later versions of the API add
                pass

    def _begin(self, message: Object) -> Iterator[AnswerEvent]:
        self._model = model_in(message)
        self._usage.add(message.get("usage"))
        if not self._has_begun:
            self._has_begun = True
            yield Started()
            yield MessageStarted()

    def _finish(self) -> Iterator[AnswerEvent]:
        self._is_complete = True
        yield _finished(self._stop or NOTHING, self._usage.usage, self._model)


def _finished(stopped: Object, usage: Usage | None, model: str | None) -> Finished:
    reason = stopped.get("stop_reason")
    stop_text = text_in(stopped, "stop_sequence") if reason == "stop_sequence" else ""
    return Finished(finish_reason_of(reason), usage or UNKNOWN, model, stop_text or None)


def _inner(event: Object, name: str) -> Object:
    value = event.get(name)
    return value if isinstance(value, Mapping) else NOTHING


def _object(data: bytes) -> Object:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise errors.invalid_json("incomplete or invalid JSON") from error
    if not isinstance(value, Mapping):
        raise errors.no_completion("JSON that is no object")
    return value
