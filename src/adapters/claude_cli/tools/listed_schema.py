"""The schema with which the CLI lists a tool, so that it drops none.

Measured with 2.1.329: a tool is dropped if its schema is not valid against the metaschema of JSON
Schema 2020-12, or if the root has a property with another name than the API takes. A schema that
names another draft is not checked, but the API then rejects the whole request. One number that a
double cannot hold drops all tools, or ends the CLI. Patterns and references are not checked.
"""

import math
import re
from collections.abc import Mapping

from modegate.adapters.claude_cli.tools.root_schema import complete_root

DRAFT = "https://json-schema.org/draft/2020-12/schema"
# The API's own rule for the names at the root; below it, any name is taken.
PROPERTY_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
ANY_OBJECT: Mapping[str, object] = {"type": "object"}


def listed_schema(schema: Mapping[str, object]) -> Mapping[str, object]:
    """Returns the schema with a complete root; `ANY_OBJECT` if the tool would be dropped for it."""
    completed = complete_root(schema)
    return completed if _is_accepted(completed) else ANY_OBJECT


def _is_accepted(schema: Mapping[str, object]) -> bool:
    names = schema.get("properties")
    if isinstance(names, Mapping) and not all(map(PROPERTY_NAME.fullmatch, names)):
        return False
    if not _has_plain_numbers(schema):
        return False
    import jsonschema_rs  # noqa: PLC0415 - 2 MiB, which a gateway without tools does not need

    return jsonschema_rs.meta.is_valid({**schema, "$schema": DRAFT})


def _has_plain_numbers(schema: Mapping[str, object]) -> bool:
    """Returns whether a double can hold each number; a loop, because clients control the depth."""
    waiting: list[object] = [schema]
    while waiting:
        item = waiting.pop()
        if isinstance(item, Mapping):
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, int | float) and not _is_plain(item):
            return False
    return True


def _is_plain(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False
