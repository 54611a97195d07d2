"""Encodes a log line as one JSON object: time, level, logger, message, and its own fields."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

import orjson

MILLISECONDS = tuple(b'.%03d+00:00",' % it for it in range(1000))


def json_line(
    created: float, level: str, logger: str, message: str, fields: Mapping[str, object]
) -> bytes:
    """Returns the line without its end; `created` is in seconds since 1970."""
    own = {"level": level, "logger": logger, "message": message}
    return _line(created, _encoded({**own, **fields})[1:])


def fixed_part(level: str, logger: str, message: str) -> bytes:
    """Returns the part of a line that its level, logger and message determine."""
    return _encoded({"level": level, "logger": logger, "message": message})[1:-1] + b","


def line_with(created: float, fixed: bytes, fields: Mapping[str, object]) -> bytes:
    """Returns the same line as `json_line`, from its fixed part and at least one field."""
    return _line(created, fixed, _encoded(fields)[1:])


def _line(created: float, *rest: bytes) -> bytes:
    # Formatting bytes takes twice as long as joining them.
    return b"".join((_second(int(created)), MILLISECONDS[int(created % 1 * 1000)], *rest))


def _encoded(values: Mapping[str, object]) -> bytes:
    try:
        return orjson.dumps(values, default=str)
    except TypeError:  # a lone surrogate, such as in a client's model name
        return json.dumps(values, default=str).encode()


@lru_cache(maxsize=2)
def _second(unix: int) -> bytes:
    """Returns the begin of a line of this second."""
    return datetime.fromtimestamp(unix, UTC).strftime('{"time":"%Y-%m-%dT%H:%M:%S').encode()
