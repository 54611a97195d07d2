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
    line: dict[str, object] = {
        "time": f"{_second(int(created))}.{int(created % 1 * 1000):03}+00:00",
        "level": level,
        "logger": logger,
        "message": message,
        **fields,
    }
    try:
        return orjson.dumps(line, default=str)
    except TypeError:  # a lone surrogate, such as in a client's model name
        return json.dumps(line, default=str).encode()


@lru_cache(maxsize=2)
def _second(unix: int) -> str:
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%S")
