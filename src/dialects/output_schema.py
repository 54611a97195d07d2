"""The JSON Schema that a client requires of an answer, in every dialect."""

from collections.abc import Mapping

from modegate.dialects.json import encode
from modegate.domain.errors.catalogue import parameters
from modegate.domain.structured.output_format import OutputFormat
from modegate.domain.structured.schema_limits import problem_of

TYPES = ("text", "json_object", "json_schema")
MAX_SCHEMA_BYTES = 256 * 1024


def output_of_schema(schema: object, where: str) -> OutputFormat:
    """Returns the format of a document that is valid against a schema; any object without one.

    `where` is the path to the field of the request that holds the schema.

    Raises:
        InvalidRequestError: if the schema is no object, or exceeds a limit.
    """
    if schema is None:
        return OutputFormat(where=where)
    if not isinstance(schema, Mapping):
        raise parameters.invalid_schema("is no object", where)
    if problem := problem_of(schema):
        raise parameters.invalid_schema(problem, where)
    if len(encode(schema)) > MAX_SCHEMA_BYTES:
        longest = f"{MAX_SCHEMA_BYTES // 1024} KiB"
        raise parameters.invalid_schema(f"is longer than {longest}", where)
    return OutputFormat(schema, where)
