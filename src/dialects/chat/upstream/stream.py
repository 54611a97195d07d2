"""Reads streamed chat completions."""

from collections.abc import Iterator, Sequence

import orjson

from modegate.dialects.chat.upstream.answer import (
    Object,
    estimated_usage,
    finish_reason,
    first_choice,
    made_id,
    reasoning_in,
    string_of,
    text_in,
)
from modegate.dialects.chat.upstream.errors import error_of_event
from modegate.dialects.sse_reader import ServerSentEvent, SseReader
from modegate.dialects.usage.reported import model_in, read_usage
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    MessageStarted,
    ReasoningDelta,
    Started,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.answer.usage import Usage
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.usage.estimates import size_of

DONE = b"[DONE]"
NO_CHUNKS = "events that hold no JSON"


class ChunkReader:
    """Reads the chunks of one answer; its events come as soon as their chunks do.

    `Finished` follows `[DONE]` or the last piece, because the usage may come after the reason.
    """

    def __init__(self) -> None:
        self._events = SseReader()
        self._calls = _Calls()
        self._has_begun = self._is_complete = False
        self._reason: object = None
        self._usage: Usage | None = None
        self._model: str | None = None
        self._size = 0
        self._failure: GatewayError | None = None

    def feed(self, data: bytes) -> Sequence[AnswerEvent]:
        """Returns the events of the chunks that `data` completes."""
        return self._read(self._events.feed(data))

    def end(self) -> Sequence[AnswerEvent]:
        """Returns the last events.

        Raises:
            StreamCutError: the stream ended without a reason and without `[DONE]`.
        """
        events = self._read(self._events.end())
        if self._is_complete:
            return events
        if self._failure is not None:
            raise self._failure
        if self._reason is None:
            raise errors.stream_cut()
        return [*events, self._finished()]

    def _read(self, events: Sequence[ServerSentEvent]) -> list[AnswerEvent]:
        """Returns the events before a failure, which is raised the next time, if there are any."""
        if self._failure is not None:
            raise self._failure
        found: list[AnswerEvent] = []
        for it in events:
            if self._is_complete:
                break
            if it.data.strip() == DONE:
                found.append(self._finished())
                continue
            try:
                found += self._chunk(_parsed(it))
            except GatewayError as error:
                if not found:
                    raise
                self._failure = error
                break
        return found

    def _chunk(self, chunk: Object) -> Iterator[AnswerEvent]:
        if not self._has_begun:
            self._has_begun = True
            self._model = model_in(chunk)
            yield Started()
            yield MessageStarted()
        reported = chunk.get("usage")
        if reported is not None and (usage := read_usage(reported)) is not None:
            self._usage = usage
        choice = first_choice(chunk)
        if choice is None or choice.get("index", 0) != 0:
            return
        delta = choice.get("delta")
        if isinstance(delta, dict):
            yield from self._delta(delta, chunk.get("id"))
        self._reason = choice.get("finish_reason") or self._reason

    def _delta(self, delta: Object, answer_id: object) -> Iterator[AnswerEvent]:
        if thought := reasoning_in(delta):
            self._size += size_of(thought)
            yield ReasoningDelta(thought)
        if text := text_in(delta):
            self._size += size_of(text)
            yield TextDelta(text)
        calls = delta.get("tool_calls")
        for position, call in enumerate(calls if isinstance(calls, list) else ()):
            if isinstance(call, dict):
                for event in self._calls.add(call, position, answer_id):
                    if isinstance(event, ToolCallDelta):
                        self._size += size_of(event.arguments)
                    yield event

    def _finished(self) -> Finished:
        self._is_complete = True
        reason = finish_reason(self._reason, has_calls=self._calls.count > 0)
        return Finished(reason, self._usage or estimated_usage(self._size), self._model)


class _Calls:
    """Numbers the calls of one answer, whatever the upstream numbers them by.

    A call begins with a new index, or with another id: some servers give all calls the index 0.
    """

    def __init__(self) -> None:
        self.count = 0
        self._known: dict[int, tuple[int, str]] = {}  # by the upstream's index: ours, and the id

    def add(self, call: Object, position: int, answer_id: object) -> Iterator[AnswerEvent]:
        """Yields the events of a delta of a call; one that names no function has no call."""
        given = call.get("index")
        at = given if isinstance(given, int) else position
        function = call.get("function")
        if not isinstance(function, dict):
            return
        call_id, name = string_of(call.get("id")), string_of(function.get("name"))
        known = self._known.get(at)
        if name and (known is None or (call_id and call_id != known[1])):
            known = self._known[at] = (self.count, call_id or made_id(answer_id, self.count))
            self.count += 1
            yield ToolCallStarted(*known, name)
        arguments = function.get("arguments")
        if isinstance(arguments, dict):
            arguments = orjson.dumps(arguments).decode()
        if known is not None and isinstance(arguments, str) and arguments:
            yield ToolCallDelta(known[0], arguments)


def _parsed(event: ServerSentEvent) -> Object:
    try:
        chunk = orjson.loads(event.data)
    except ValueError:
        raise errors.no_completion(NO_CHUNKS) from None
    error = chunk.get("error") if isinstance(chunk, dict) else None
    if error or event.name == b"error":
        raise error_of_event(error or chunk)
    if not isinstance(chunk, dict):
        raise errors.no_completion(NO_CHUNKS)
    return chunk
