"""The document of a structured answer, without I/O."""

from collections.abc import Callable

from modegate.adapters.claude_cli.protocol.events import Event
from modegate.domain.errors.catalogue import claude_code

# The CLI's own tool, whose input is the document.
TOOL = "StructuredOutput"
# Requests of an answer after which the gateway asks for a repair. With those of the repair there
# are at most four.
REPAIRABLE_AFTER = 2


class Document:
    """Holds what the model writes of the document; `check` returns the client's form of it.

    `most_requests` are those that the model may take for it; None without a bound.
    """

    def __init__(self, check: Callable[[object], str], most_requests: int | None = None) -> None:
        self._most_requests = most_requests
        self._requests = 0
        self.is_open = False  # whether the open block is the document
        self._check = check
        self._written = ""

    @property
    def partial(self) -> str:
        """The JSON text so far, for an answer that is cut; its last attempt."""
        return self._written

    @property
    def is_repairable(self) -> bool:
        """Whether the model may be asked once more for a document that is not valid."""
        return self._most_requests is None and self._requests <= REPAIRABLE_AFTER

    def begin_message(self) -> None:
        """Counts a request to the model.

        Raises:
            SchemaValidationError: if it is one too many.
        """
        self._requests += 1
        if self._most_requests is not None and self._requests > self._most_requests:
            raise claude_code.schema_not_followed()

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
