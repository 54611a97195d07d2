"""Lenient JSON: accepts what upstreams send and clients accept."""

import json

import orjson


def dumps(value: object) -> bytes:
    """Returns JSON in UTF-8; with lone surrogates, all non-ASCII characters are escaped."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()


def loads(data: bytes) -> object:
    """Returns the value in `data`. Accepts NaN and lone surrogates, as Python clients do.

    Raises:
        ValueError: if `data` is not JSON.
    """
    try:
        return orjson.loads(data)
    except ValueError:
        pass
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
