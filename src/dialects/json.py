"""A request's body, read strictly."""

import json

import orjson

from modegate.domain.errors import InvalidRequestError

BOM = b"\xef\xbb\xbf"


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def parse_json_object(body: bytes) -> dict[str, object]:
    """The JSON object in `body`: UTF-8, no NaN or Infinity, nesting and numbers within bounds.

    Raises:
        InvalidRequestError: it is something else; the body is never quoted.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = _parse_slowly(body)
    if not isinstance(parsed, dict):
        raise InvalidRequestError("The body must be a JSON object: {…}.")
    return parsed


def _parse_slowly(body: bytes) -> object:
    """What the fast parser does not take, such as half a character; or say what is wrong."""
    if not body.strip():
        raise InvalidRequestError("The body is empty: send a JSON object, {…}.")
    try:
        return DECODER.decode(body.removeprefix(BOM).decode())
    except RecursionError:
        raise InvalidRequestError("The body is nested too deeply; flatten it.") from None
    except UnicodeDecodeError:
        raise InvalidRequestError("The body is not UTF-8; send JSON in UTF-8.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidRequestError(f"The body is not valid JSON ({where}): mend it there.") from None
    except ValueError:
        raise InvalidRequestError(
            "The body holds a number that JSON does not have, or one that is too long: mend it."
        ) from None
