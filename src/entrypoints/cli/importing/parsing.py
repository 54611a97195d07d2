"""Parses the files of other gateways. Errors name places, and never what stands there."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

MAX_BYTES = 10_000_000
EXTRA = 'a file in YAML needs PyYAML: pip install "modegate[import]"'


class UnreadableError(ValueError):
    """The file cannot be read; the message says why, without the file's name."""


def parse_json(content: bytes) -> object:
    """Parses JSON.

    Raises:
        UnreadableError: it is none.
    """
    text = _text(content)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise UnreadableError(f"is no JSON: line {error.lineno}, column {error.colno}") from None
    except (RecursionError, ValueError):
        raise UnreadableError("is no JSON that can be read") from None


def parse_yaml(content: bytes) -> object:
    """Parses YAML, or JSON, which needs no further package.

    Raises:
        UnreadableError: it is neither, or there is no parser.
    """
    if content.lstrip()[:1] in (b"{", b"["):
        try:
            return parse_json(content)
        except UnreadableError:
            pass  # YAML may begin in the same way
    try:
        import yaml  # noqa: PLC0415 - an extra
    except ImportError:
        raise UnreadableError(EXTRA) from None
    text = _text(content)
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f": line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise UnreadableError(f"is no YAML{place}") from None
    except (RecursionError, ValueError, yaml.YAMLError):
        raise UnreadableError("is no YAML that can be read") from None


PARSERS: Mapping[str, Callable[[bytes], object]] = MappingProxyType(
    {"litellm": parse_yaml, "portkey": parse_json}
)


def _text(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise UnreadableError(f"has more than {MAX_BYTES} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"is no text in UTF-8: byte {error.start + 1}") from None
