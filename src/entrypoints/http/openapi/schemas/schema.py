"""Shorthands for JSON Schema."""

from typing import Any

Schema = dict[str, Any]

NULL: Schema = {"type": "null"}
STRING: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
OPTIONAL_TEXT: Schema = {"type": ["string", "null"]}
UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"
SESSION_ID: Schema = {"type": "string", "format": "uuid", "pattern": UUID}
EXAMPLE_SESSION = "2cb703a8-f70b-4e7f-b4f6-d3b3a057d8e1"


def ref(name: str) -> Schema:
    """Returns a reference to a schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(item: Schema) -> Schema:
    """Returns the schema of a list of `item`."""
    return {"type": "array", "items": item}


def object_of(**fields: Schema) -> Schema:
    """Returns the schema of an object that has at least these fields."""
    return {"type": "object", "required": list(fields), "properties": fields}
