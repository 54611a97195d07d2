"""The types and bounds that values of parameters must have."""

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import TypeGuard

MAX_STOPS = 16
HIGHEST_TEMPERATURE, GREATEST_PENALTY = 2, 2


class Kind(Enum):
    """The type that a value must have in every mode, worded for error messages.

    The bounds of numbers are those of the APIs' own descriptions (OpenAI's and Anthropic's, 2026-11).
    """

    ANY = "anything"
    BOOLEAN = "true or false"
    COUNT = "a whole number of at least 1"
    NATURAL = "a whole number of at least 0"
    INTEGER = "a whole number"
    TEMPERATURE = f"a number from 0 to {HIGHEST_TEMPERATURE}"
    SHARE = "a number from 0 to 1"
    PENALTY = f"a number from -{GREATEST_PENALTY} to {GREATEST_PENALTY}"
    TEXT = "a text"
    LIST = "a list"
    OBJECT = "an object"
    STOP = f"a text, or a list of at most {MAX_STOPS} texts"


def as_count(value: object) -> int | None:
    """Returns the integer of at least 1 that a JSON number equals (2.0 is 2), else None."""
    return int(value) if _is_within(value, 1) and value == value // 1 else None


def as_stop(value: object) -> tuple[str, ...] | None:
    """Returns the texts of `stop`, a string or a list of strings, without empty ones; else None."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or len(texts) > MAX_STOPS:
        return None
    return tuple(it for it in texts if it) if all(isinstance(it, str) for it in texts) else None


def _is_within(
    value: object, lowest: float = float("-inf"), highest: float = float("inf")
) -> TypeGuard[float]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return lowest <= value <= highest


def _is_whole(value: object, lowest: float = float("-inf")) -> bool:
    return _is_within(value, lowest) and value == value // 1


CHECKS: Mapping[Kind, Callable[[object], bool]] = MappingProxyType(
    {
        Kind.ANY: lambda _: True,
        Kind.BOOLEAN: lambda value: isinstance(value, bool),
        Kind.COUNT: lambda value: as_count(value) is not None,
        Kind.NATURAL: lambda value: _is_whole(value, 0),
        Kind.INTEGER: _is_whole,
        Kind.TEMPERATURE: lambda value: _is_within(value, 0, HIGHEST_TEMPERATURE),
        Kind.SHARE: lambda value: _is_within(value, 0, 1),
        Kind.PENALTY: lambda value: _is_within(value, -GREATEST_PENALTY, GREATEST_PENALTY),
        Kind.TEXT: lambda value: isinstance(value, str),
        Kind.LIST: lambda value: isinstance(value, list),
        Kind.OBJECT: lambda value: isinstance(value, Mapping),
        Kind.STOP: lambda value: as_stop(value) is not None,
    }
)
