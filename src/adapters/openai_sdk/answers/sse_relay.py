"""Relays an upstream's server-sent events as bytes; sans-I/O."""

import re

from modegate.adapters.openai_sdk.answers.lenient_json import loads
from modegate.adapters.openai_sdk.answers.sse_events import parse_events
from modegate.adapters.openai_sdk.answers.upstream_errors import error_in
from modegate.adapters.openai_sdk.answers.usage.chunks import ChunkUsage
from modegate.domain.errors.catalogue import upstream as errors

EVENT_LIMIT = 16 * 1024 * 1024
# The ends of an event, for the three line ends that the format allows and their combinations.
BOUNDARIES = (b"\n\n", b"\n\r\n", b"\r\r", b"\n\r")
LONGEST_BOUNDARY = 3

# A pattern that starts with letters is found much faster, so look-behinds check what precedes it.
# Matches "data:" at the beginning of a line.
DONE = re.compile(rb"data:(?<![^\r\n]data:)[ \t]*\[DONE\]")
# In the text of an answer these quotation marks would be escaped.
# Some upstreams send an empty reason while the reason is not known yet.
FINISH = re.compile(rb'finish_reason(?<="finish_reason)"\s*:\s*"[^"]')
# Matches possible errors; only such events are parsed. In a text, quotation marks are escaped.
MAYBE_ERROR = re.compile(rb'(?:\A|(?<=[\r\n]))(?:event:[ \t]*error|error:)|"error"\s*:')
# A part of an answer: the list of a chunk's choices may also be empty.
CHOICE = re.compile(rb'choices(?<="choices)"\s*:\s*\[\s*[^\s\]]')


class SseRelay:
    """Accepts bytes as they arrive and returns complete events unchanged.

    `done` is set by `[DONE]`, which is dropped: the response appends its own. `spoke` is set by the
    first chunk with a choice, `failed` by an error event, `cut` by an event that is not whole at
    the end. The answer is whole when each of its `choices` has a finish reason. `usage` observes the
    events, and may remove one.
    """

    def __init__(self, choices: int = 1, usage: ChunkUsage | None = None) -> None:
        self.usage = usage or ChunkUsage(0)
        self._missing = choices
        self._tail = bytearray()
        self.done = False
        self.spoke = False
        self.failed = False
        self.cut = False

    @property
    def whole(self) -> bool:
        """Whether the answer is complete, or the upstream reported an error."""
        return self.done or self.failed or self._missing <= 0

    @property
    def decided(self) -> bool:
        """Whether the first part of the answer, an error or the end mark has arrived."""
        return self.spoke or self.done or self.failed

    def feed(self, data: bytes) -> bytes:
        """Returns all events that `data` completes, concatenated; empty if there are none.

        Raises:
            OutputLimitError: if a single event exceeds `EVENT_LIMIT`.
        """
        if self._tail or not data.endswith(b"\n\n"):
            data = complete_events(self._tail, data)
        return self._look(data)

    def finish(self) -> bytes:
        """Returns the last event if only its blank line is missing; then `whole` is final."""
        tail = bytes(self._tail)
        self._tail.clear()
        rest = tail.rstrip(b"\r\n")
        if not rest:  # the second half of a line end, which may arrive by itself
            return self._look(tail)
        if _is_whole_event(rest):
            return self._look(rest + b"\n\n")
        self.cut = not self.done
        return b""

    def _look(self, events: bytes) -> bytes:
        if self.done or not events:
            return b""
        # A substring search is many times faster than a pattern, and nearly always sufficient; `in`
        # takes half as long again as `find`, because it first tries to read a number (CPython 3.11).
        find = events.find
        if find(b"[DONE]") >= 0 and (match := DONE.search(events)):
            self.done = True
            events = events[: match.start()]
        if FINISH.search(events):
            self._missing -= len(FINISH.findall(events))
        if not self.spoke:
            self.spoke = CHOICE.search(events) is not None
        if find(b"error") >= 0 and MAYBE_ERROR.search(events):
            self.failed = self.failed or has_error(events)
        return self.usage.look(events)


def complete_events(tail: bytearray, data: bytes) -> bytes:
    """Returns all events that `data` completes after `tail`, which then has the rest.

    Raises:
        OutputLimitError: if a single event exceeds `EVENT_LIMIT`.
    """
    searched = max(0, len(tail) - LONGEST_BOUNDARY)
    tail += data
    end = max(
        at + len(boundary) if (at := tail.rfind(boundary, searched)) >= 0 else 0
        for boundary in BOUNDARIES
    )
    if end == 0 and len(tail) > EVENT_LIMIT:
        raise errors.event_too_long(EVENT_LIMIT)
    events = bytes(tail[:end])
    del tail[:end]
    return events


def has_error(events: bytes) -> bool:
    """Returns whether one of the events is an upstream error."""
    return any(event.is_error or _is_error_object(event.data) for event in parse_events(events))


def _is_error_object(data: bytes) -> bool:
    try:
        return b'"error"' in data and error_in(loads(data)) is not None
    except ValueError:
        return False


def _is_whole_event(event: bytes) -> bool:
    """Returns whether an event that lacks its final blank line has complete data."""
    data = b"".join(it.data for it in parse_events(event)).strip()
    if data == b"[DONE]":
        return True
    try:
        return isinstance(loads(data), dict)
    except ValueError:
        return False
