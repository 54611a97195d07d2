"""Encodes a log line as one JSON object: time, level, logger, message, and its own fields."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

import orjson


def json_line(
    created: float, level: str, logger: str, message: str, fields: Mapping[str, object]
) -> bytes:
    """Returns the line without its end; `created` is in seconds since 1970."""
    own = {"level": level, "logger": logger, "message": message}
    return _line(created, _encoded({**own, **fields})[1:])


def fixed_part(level: str, logger: str, message: str) -> bytes:
    """Returns the part of a line that its level, logger and message determine."""
    return _encoded({"level": level, "logger": logger, "message": message})[1:-1]


def line_with(created: float, fixed: bytes, fields: Mapping[str, object]) -> bytes:
    """Returns the same line as `json_line`, from its fixed part and at least one field."""
    return _line(created, b"%b,%b" % (fixed, _encoded(fields)[1:]))


def _line(created: float, rest: bytes) -> bytes:
    return b'{"time":"%b.%03d+00:00",%b' % (_second(int(created)), created % 1 * 1000, rest)


def _encoded(values: Mapping[str, object]) -> bytes:
    try:
        return orjson.dumps(values, default=str)
    except TypeError:  # a lone surrogate, such as in a client's model name
        return json.dumps(values, default=str).encode()


@lru_cache(maxsize=2)
def _second(unix: int) -> bytes:
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%S").encode()
