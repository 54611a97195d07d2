"""Server-sent events, parsed; only what has to be judged is, for the rest passes as bytes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LINE_END = re.compile(rb"\r\n|\n|\r")
# Older versions of llama.cpp report an error in a field of this name.
ERROR_FIELD = b"error"


@dataclass(frozen=True, slots=True)
class Event:
    """An event that says something; `is_error` where its name or its field says so."""

    data: bytes
    is_error: bool = False

    @property
    def says_something(self) -> bool:
        """Whether it is more than a heartbeat without data."""
        return self.is_error or bool(self.data.strip())


def parse_events(stream: bytes) -> Iterator[Event]:
    """The events of whole lines, comments left out; an end without a blank line ends an event."""
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
    """One after the other, for mostly the first event is all that is wanted."""
    begin = 0
    for end in LINE_END.finditer(stream):
        yield stream[begin : end.start()]
        begin = end.end()
    yield stream[begin:]
    yield b""
