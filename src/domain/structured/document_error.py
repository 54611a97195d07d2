"""The error for a document that the model wrote in the form of the CLI, and not of the client."""

from modegate.domain.errors import SchemaValidationError
from modegate.domain.errors.catalogue import claude_code


class DocumentError(SchemaValidationError):
    """The document is not valid against the client's schema; `fault` is for the model alone."""

    def __init__(self, fault: str) -> None:
        told = claude_code.schema_not_followed()
        super().__init__(told.problem, remedies=told.remedies)
        self.fault = fault
