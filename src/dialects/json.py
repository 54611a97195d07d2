"""The JSON codec: strict parsing, compact encoding."""

import json

import orjson

from modegate.domain.errors.catalogue import body as errors

BOM = b"\xef\xbb\xbf"
# Python's `splitlines`, which httpx's `iter_lines` uses, also splits at these characters. JSON
# always escapes the other characters at which it splits.
LINE_SEPARATORS = ("\x85", "\u2028", "\u2029")

ESCAPED_SEPARATORS = [(it.encode(), b"\\u%04x" % ord(it)) for it in LINE_SEPARATORS]


def _refuse_constant(name: str) -> object:
    raise ValueError(name)


DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def parse_json_object(body: bytes) -> dict[str, object]:
    """Returns the JSON object in `body`: UTF-8, no NaN or Infinity, bounded nesting and numbers.

    Raises:
        InvalidRequestError: if `body` is anything else; the message never quotes it.
    """
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = _parse_slowly(body)
    if not isinstance(parsed, dict):
        raise errors.no_object()
    return parsed


def _parse_slowly(body: bytes) -> object:
    """Parses what orjson rejects, such as lone surrogates, or raises the precise error."""
    if not body.strip():
        raise errors.empty()
    try:
        return DECODER.decode(body.removeprefix(BOM).decode())
    except RecursionError:
        raise errors.nested_too_deeply() from None
    except UnicodeDecodeError:
        raise errors.no_utf8() from None
    except json.JSONDecodeError as error:
        raise errors.no_json(error.lineno, error.colno) from None
    except ValueError:
        raise errors.invalid_number() from None


def encode(value: object) -> bytes:
    """Returns JSON in UTF-8 on one line, compact; a lone surrogate becomes `?`."""
    try:
        data = orjson.dumps(value)
    except TypeError:  # a lone surrogate, a large number
        return _encode_slowly(value)
    if data.isascii():
        return data
    for separator, escaped in ESCAPED_SEPARATORS:
        if separator in data:
            data = data.replace(separator, escaped)
    return data


def _encode_slowly(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return escape_line_separators(text).encode("utf-8", "replace")


def escape_line_separators(text: str) -> str:
    """Returns the JSON with the characters escaped at which some line readers split."""
    if text.isascii():  # constant time
        return text
    for separator in LINE_SEPARATORS:
        if separator in text:
            text = text.replace(separator, f"\\u{ord(separator):04x}")
    return text
