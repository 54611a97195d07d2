"""Parses `response_format` of a chat-completions request."""

from collections.abc import Mapping

from modegate.dialects.output_schema import TYPES, output_of_schema
from modegate.domain.errors.catalogue import parameters
from modegate.domain.parameters.json_patterns import EMPTY, matches
from modegate.domain.structured.output_format import OutputFormat

FIELD = "response_format"


def parse_response_format(value: object) -> OutputFormat | None:
    """Returns the required format; None for text.

    `json_schema` without a schema is `json_object`. `strict` makes no difference: the answer is
    always valid against the schema.

    Raises:
        InvalidRequestError: if the value has no known type, or the schema is no object or exceeds a
            limit.
    """
    if matches(value, EMPTY):
        return None
    kind = value.get("type") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or kind not in TYPES:
        raise parameters.unknown_response_format(TYPES)
    named = value.get("json_schema")
    if named is not None and not isinstance(named, Mapping):
        raise parameters.invalid_schema("is not in an object")
    schema = None if named is None else named.get("schema")
    if schema is not None and not isinstance(schema, Mapping):
        raise parameters.invalid_schema("is no object")
    if kind == "text":
        return None
    return output_of_schema(None if kind == "json_object" else schema, FIELD)
