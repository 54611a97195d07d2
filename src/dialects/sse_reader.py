"""Reads server-sent events from pieces that are cut anywhere; sans-I/O."""

from typing import NamedTuple

LINE_FEED, CARRIAGE_RETURN = b"\n", b"\r"


class ServerSentEvent(NamedTuple):
    """One event with data; `name` is empty if the stream names none."""

    name: bytes
    data: bytes


class SseReader:
    """Collects the events of one stream; comments and heartbeats are skipped."""

    def __init__(self) -> None:
        self._tail = b""
        self._name = b""
        self._data: list[bytes] = []
        self._after_return = False

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Returns the events that `data` completes."""
        if self._after_return and data:  # the second half of a line end
            data = data.removeprefix(LINE_FEED)
            self._after_return = False
        lines = (self._tail + data).splitlines(keepends=True)
        self._tail = b""
        if lines and not lines[-1].endswith((LINE_FEED, CARRIAGE_RETURN)):
            self._tail = lines.pop()
        elif lines:
            self._after_return = lines[-1].endswith(CARRIAGE_RETURN)
        return self._read(lines)

    def end(self) -> list[ServerSentEvent]:
        """Returns the last event, if only its blank line is missing."""
        lines, self._tail = [self._tail, b""], b""
        return self._read(lines)

    def _read(self, lines: list[bytes]) -> list[ServerSentEvent]:
        events = []
        for line in lines:
            text = line.rstrip(b"\r\n")
            if not text:
                if self._data:
                    events.append(ServerSentEvent(self._name, LINE_FEED.join(self._data)))
                self._name, self._data = b"", []
            elif text.startswith(b"data:"):
                self._data.append(text[len(b"data:") :].removeprefix(b" "))
            elif text.startswith(b"event:"):
                self._name = text[len(b"event:") :].strip()
        return events
