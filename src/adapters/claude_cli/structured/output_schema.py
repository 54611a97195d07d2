"""The check of documents against a client's JSON Schema."""

import json
from collections.abc import Mapping

from modegate.adapters.claude_cli.structured.cli_schema import CliSchema
from modegate.domain.errors.catalogue import parameters
from modegate.domain.structured.document_error import DocumentError
from modegate.domain.structured.output_format import OutputFormat

# Patterns without lookaround or backreferences take linear time; the steps of others are bounded.
MAX_BACKTRACKS = 100_000
MAX_PATTERN_BYTES = 1024 * 1024
MAX_FAULT_CHARACTERS = 500


class OutputSchema:
    """A client's schema, and what is told to the CLI."""

    def __init__(self, output: OutputFormat) -> None:
        """Compiles the schema; fetches nothing.

        Raises:
            InvalidRequestError: if it is no JSON Schema.
        """
        import jsonschema_rs  # noqa: PLC0415 - 2 MiB, which most gateways do not need

        patterns = jsonschema_rs.FancyRegexOptions(
            backtrack_limit=MAX_BACKTRACKS, size_limit=MAX_PATTERN_BYTES
        )
        try:
            self._validator = jsonschema_rs.validator_for(
                dict(output.schema), pattern_options=patterns, offline=True
            )
        except (ValueError, jsonschema_rs.ReferencingError):  # names places in a client's schema
            raise parameters.invalid_schema("is no valid JSON Schema", output.where) from None
        self._cli = CliSchema.of(output.schema)

    @property
    def for_cli(self) -> Mapping[str, object]:
        """The schema of what the model writes."""
        return self._cli.schema

    def document(self, written: object) -> str:
        """Returns the client's document, as compact JSON.

        Raises:
            DocumentError: if it is not valid against the schema.
        """
        document = self._cli.unwrap(written)
        for error in self._validator.iter_errors(document):
            place = "/".join(map(str, error.instance_path))
            raise DocumentError(f"{place or 'the root'}: {error.message}"[:MAX_FAULT_CHARACTERS])
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
