"""Shorthands for JSON Schema."""

from typing import Any

Schema = dict[str, Any]

NULL: Schema = {"type": "null"}
STRING: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
OPTIONAL_TEXT: Schema = {"type": ["string", "null"]}


def ref(name: str) -> Schema:
    """Returns a reference to a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(item: Schema) -> Schema:
    """Returns the schema of a list of `item`."""
    return {"type": "array", "items": item}


def object_of(**fields: Schema) -> Schema:
    """Returns the schema of an object that has at least these fields."""
    return {"type": "object", "required": list(fields), "properties": fields}
