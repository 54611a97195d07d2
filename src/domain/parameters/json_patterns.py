"""Patterns for JSON values, as data. They are matched here and rendered as a JSON Schema.

A pattern is one of these:

- `EMPTY`: null, a blank string, or a list or object of such values only.
- `ListOf(*patterns)`: a list; each item matches one of the patterns.
- `ObjectOf(*patterns)`: an object; each value matches one of the patterns.
- a mapping: an object with at least these fields. A field whose pattern matches null may be absent.
- any other value: the same value in JSON, where 1 equals 1.0 and neither equals true.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final

from modegate.lazy_dataclass import dataclass


class _Empty(Enum):
    EMPTY = "empty"


EMPTY: Final = _Empty.EMPTY


@dataclass(frozen=True, slots=True)
class _Of:
    """A list or an object; each of its values matches one of `patterns`."""

    patterns: tuple[object, ...]

    def __init__(self, *patterns: object) -> None:
        object.__setattr__(self, "patterns", patterns)


class ListOf(_Of):
    """A list; each item matches one of `patterns`."""


class ObjectOf(_Of):
    """An object; each value matches one of `patterns`."""


def matches(value: object, pattern: object) -> bool:
    """Returns whether the JSON value matches the pattern."""
    if pattern is EMPTY:
        return is_empty(value)
    if isinstance(pattern, ListOf | ObjectOf):
        return isinstance(value, list if isinstance(pattern, ListOf) else Mapping) and all(
            any(matches(item, wanted) for wanted in pattern.patterns) for item in _members(value)
        )
    if isinstance(pattern, Mapping):
        return isinstance(value, Mapping) and all(
            matches(value.get(name), wanted) for name, wanted in pattern.items()
        )
    return _kind(value) is _kind(pattern) and value == pattern


def is_empty(value: object) -> bool:
    """Returns whether the value is empty: null, a blank string, or a list or object of such values.

    A loop instead of recursion, because clients control the depth.
    """
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list | Mapping):
            waiting.extend(_members(item))
        elif item is not None and not (isinstance(item, str) and not item.strip()):
            return False
    return True


def _members(value: object) -> tuple[object, ...]:
    if isinstance(value, Mapping):
        return tuple(value.values())
    return tuple(value) if isinstance(value, list) else ()


def _kind(value: object) -> type:
    """Returns the JSON type of a value; all numbers have the same type."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float if is_number else type(value)
