"""Schemas of a client's tools, and of the choice among them."""

from modegate.domain.tools.checks import MAX_NAME_CHARACTERS, MAX_TOOLS, NAME
from modegate.entrypoints.http.openapi.schemas.json_patterns import EMPTY_NAME
from modegate.entrypoints.http.openapi.schemas.schema import Schema, ref

TEXT: Schema = {"type": ["string", "null"]}
TOOL_NAME: Schema = {
    "type": "string",
    "maxLength": MAX_NAME_CHARACTERS,
    "pattern": f"^{NAME.pattern}$",
}
FUNCTION: Schema = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": TOOL_NAME,
        "description": TEXT,
        "parameters": {"type": ["object", "null"], "description": "A JSON Schema."},
        "strict": {"type": ["boolean", "null"]},
    },
}
CUSTOM: Schema = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": TOOL_NAME,
        "description": TEXT,
        "format": {"type": ["object", "null"]},
    },
}
CHOICES = ["none", "auto", "required"]


def tool_shapes() -> dict[str, Schema]:
    """Returns the schemas of the parameters about tools."""
    return {
        "tools": _or_nothing(_list(_typed("function", FUNCTION), _typed("custom", CUSTOM))),
        "tool_choice": _or_nothing({"type": "string"}, {"type": "object"})
        | {"examples": [*CHOICES, {"type": "function", "function": {"name": "weather"}}]},
        "functions": _or_nothing(_list(FUNCTION)),
        "function_call": _or_nothing({"enum": ["none", "auto"]}, {"type": "object"}),
    }


def _list(*items: Schema) -> Schema:
    return {"type": "array", "maxItems": MAX_TOOLS, "items": {"anyOf": list(items)}}


def _typed(kind: str, described: Schema) -> Schema:
    return {
        "title": kind,
        "type": "object",
        "required": ["type", kind],
        "properties": {"type": {"const": kind}, kind: described},
    }


def _or_nothing(*values: Schema) -> Schema:
    return {"anyOf": [*values, {"const": False}, ref(EMPTY_NAME)]}
