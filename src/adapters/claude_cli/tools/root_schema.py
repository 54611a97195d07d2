"""Completes the root of a schema, so that the CLI takes the tool.

Measured with 2.1.329: one tool whose root is not of `type: "object"`, or has `properties` or
`required` of another type, makes the CLI drop all tools of the server without a word. A root with
`anyOf`, `oneOf` or `allOf` is merged into one object, and `if`, `not` and `$ref` are kept.
"""

from collections.abc import Mapping

MERGED = ("anyOf", "oneOf", "allOf")


def complete_root(schema: Mapping[str, object]) -> dict[str, object]:
    """Returns the schema with a root that the CLI takes; nothing below the root changes."""
    completed = {**schema, "type": "object"}
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, Mapping):
        del completed["properties"]
    elif not all(isinstance(it, Mapping | bool) for it in properties.values()):
        completed["properties"] = {
            name: it if isinstance(it, Mapping | bool) else {} for name, it in properties.items()
        }
    if not (isinstance(required, list) and all(isinstance(it, str) for it in required)):
        del completed["required"]
    return completed


def is_merged(schema: Mapping[str, object]) -> bool:
    """Returns whether the CLI shows the model a root that says less than the client's."""
    return any(name in schema for name in MERGED)
