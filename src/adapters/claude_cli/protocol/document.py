"""The document of a structured answer, without I/O."""

from collections.abc import Callable

from modegate.adapters.claude_cli.protocol.events import Event
from modegate.domain.errors.catalogue import claude_code

# The CLI's own tool, whose input is the document.
TOOL = "StructuredOutput"


class Document:
    """Holds what the model writes of the document; `check` returns the client's form of it."""

    def __init__(self, check: Callable[[object], str]) -> None:
        self.is_open = False  # whether the open block is the document
        self._check = check
        self._written = ""

    @property
    def partial(self) -> str:
        """The JSON text so far, for an answer that is cut; its last attempt."""
        return self._written

    def begin_block(self, tool: str | None) -> None:
        """Starts a block, which calls this tool if any; with the document, another attempt."""
        self.is_open = tool == TOOL
        if self.is_open:
            self._written = ""

    def add(self, piece: str) -> None:
        """Adds a piece of the JSON text."""
        self._written += piece

    def of_result(self, result: Event) -> str:
        """Returns the document of a turn that succeeded.

        Raises:
            SchemaValidationError: if the model wrote none that is valid against the schema.
        """
        if "structured_output" not in result:
            raise claude_code.schema_not_followed()
        return self._check(result["structured_output"])
