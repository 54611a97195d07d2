"""Parses server-sent events. Only events that must be inspected are parsed."""

import re
from collections.abc import Iterator

from modegate.lazy_dataclass import dataclass

LINE_END = re.compile(rb"\r\n|\n|\r")
# Older versions of llama.cpp report an error in a field of this name.
ERROR_FIELD = b"error"


@dataclass(frozen=True, slots=True)
class Event:
    """One event; `is_error` is set if its event type or a field is named `error`."""

    data: bytes
    is_error: bool = False

    @property
    def says_something(self) -> bool:
        """Whether the event has data or is an error; a heartbeat has neither."""
        return self.is_error or bool(self.data.strip())


def parse_events(stream: bytes) -> Iterator[Event]:
    """Yields the events of complete lines without comments; the end of the data ends an event."""
    data: list[bytes] = []
    is_error = False
    for line in _lines(stream):
        field, _, value = line.partition(b":")
        match field.rstrip(b" \t"):
            case b"" if not line and (data or is_error):
                yield Event(b"\n".join(data), is_error)
                data, is_error = [], False
            case b"data":
                data.append(value.removeprefix(b" "))
            case b"event":
                is_error = is_error or value.strip() == ERROR_FIELD
            case b"error":
                data.append(value.removeprefix(b" "))
                is_error = True
            case _:
                pass


def _lines(stream: bytes) -> Iterator[bytes]:
    """Yields lines lazily, because most callers need only the first event."""
    begin = 0
    for end in LINE_END.finditer(stream):
        yield stream[begin : end.start()]
        begin = end.end()
    yield stream[begin:]
    yield b""
