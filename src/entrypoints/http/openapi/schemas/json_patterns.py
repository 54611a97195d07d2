"""JSON patterns of the parameter rules as schemas and in words."""

import json
from collections.abc import Iterable, Mapping

from modegate.domain.parameters.json_patterns import EMPTY, ListOf, ObjectOf, matches
from modegate.entrypoints.http.openapi.schemas.schema import NULL, Schema, ref

EMPTY_NAME = "Empty"


def empty() -> Schema:
    """Returns the schema of an empty value, such as a list of only empty values."""
    inner = ref(EMPTY_NAME)
    return {
        "description": "Null, a blank string, or a list or object that contains only such values.",
        "anyOf": [
            NULL,
            {"type": "string", "pattern": r"^\s*$"},
            {"type": "array", "items": inner},
            {"type": "object", "additionalProperties": inner},
        ],
    }


def pattern(wanted: object) -> Schema:
    """Returns the schema of the values that match the pattern."""
    if wanted is EMPTY:
        return ref(EMPTY_NAME)
    if isinstance(wanted, ListOf):
        return {"type": "array", "items": one_of(wanted.patterns)}
    if isinstance(wanted, ObjectOf):
        return {"type": "object", "additionalProperties": one_of(wanted.patterns)}
    if not isinstance(wanted, Mapping):
        return {"const": wanted}
    return {
        "type": "object",
        "required": [name for name, item in wanted.items() if not matches(None, item)],
        "properties": {name: pattern(item) for name, item in wanted.items()},
    }


def one_of(patterns: Iterable[object]) -> Schema:
    """Returns the schema of the values that match one of the patterns."""
    return {"anyOf": [pattern(it) for it in patterns]}


def describe(wanted: object) -> str:
    """Returns the pattern in words."""
    if wanted is EMPTY:
        return "an empty value"
    if isinstance(wanted, ListOf | ObjectOf):
        kind = "a list" if isinstance(wanted, ListOf) else "an object"
        return f"{kind} of only {' or '.join(map(describe, wanted.patterns))}"
    try:
        return f"`{json.dumps(wanted)}`"
    except TypeError:  # contains another pattern
        assert isinstance(wanted, Mapping)  # noqa: S101 - narrows the type
        fields = (f"`{name}` of {describe(item)}" for name, item in wanted.items())
        return f"an object with {' and '.join(fields)}"
