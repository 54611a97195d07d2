"""JSON as upstreams write it and clients read it."""

import json

import orjson


def dumps(value: object) -> bytes:
    """JSON in UTF-8; escaped where a character is only half there."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()


def loads(data: bytes) -> object:
    """The value in `data`, also with NaN or half a character, which Python clients accept.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return orjson.loads(data)
    except ValueError:
        pass
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
