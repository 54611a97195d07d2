"""Encodes the format of an answer; the API takes only a part of JSON Schema.

Source: the transformation in Anthropic's own SDK (`anthropic` 2.14, `lib/_parse/_transform.py`).
"""

from collections.abc import Mapping
from typing import Any

from modegate.domain.structured.output_format import OutputFormat

Object = dict[str, object]
Schema = Mapping[str, Any]

ANY_OBJECT = {"type": "object"}
# The API has no form for any object: each has all of its properties in the schema.
INSTRUCTION = "Answer with one JSON object and nothing else: no code fence, no text around it."
FORMATS = frozenset(
    {
        *("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6"),
        "uuid",
    }
)
KEPT = ("type", "enum", "const", "description", "title", "default", "required")
LISTS = ("anyOf", "oneOf", "allOf")
TABLES = ("properties", "$defs", "definitions")
LEFT_OUT = frozenset({"additionalProperties", "$schema"})
ITEM_COUNTS = (0, 1)


def is_any_object(output: OutputFormat) -> bool:
    """Returns whether any object will do."""
    return dict(output.schema) == ANY_OBJECT


def encode_format(output: OutputFormat) -> Object:
    """Returns the value of `output_config.format`."""
    return {"type": "json_schema", "schema": _supported(output.schema)}


def _supported(schema: object) -> object:
    """Returns what the API takes of a schema; the rest is told in its description."""
    if not isinstance(schema, Mapping):
        return schema
    if "$ref" in schema:
        tables = {name: _table(schema[name]) for name in TABLES[1:] if name in schema}
        return {"$ref": schema["$ref"], **tables}
    found: Object = {}
    rest: Object = {}
    for name, value in schema.items():
        if (kept := _kept(name, value)) is not None:
            found["anyOf" if name == "oneOf" else name] = kept
        elif name not in LEFT_OUT:
            rest[name] = value
    if "properties" in found or schema.get("type") == "object":
        found["additionalProperties"] = False
    if rest:
        told = ", ".join(f"{name}: {value}" for name, value in rest.items())
        found["description"] = f"{found.get('description', '')}\n\n{{{told}}}".strip()
    return found


def _kept(name: str, value: object) -> object:
    """Returns what the API takes of a member of a schema; None if it does not know it."""
    if name in TABLES:
        return _table(value)
    if name in LISTS and isinstance(value, list):
        return [_supported(it) for it in value]
    if name == "items":
        return _supported(value)
    return value if name in KEPT or _is_kept(name, value) else None


def _is_kept(name: str, value: object) -> bool:
    if name == "format":
        return isinstance(value, str) and value in FORMATS
    return name == "minItems" and value in ITEM_COUNTS


def _table(value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    return {name: _supported(it) for name, it in value.items()}
