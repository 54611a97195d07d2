"""The port for new identifiers."""

from typing import Protocol


class IdGenerator(Protocol):
    """Generates unique identifiers."""

    def completion_id(self) -> str:
        """Returns a new id of an answer: `chatcmpl-` and a unique suffix."""
        ...

    def session_id(self) -> str:
        """Returns a new version 4 UUID, in lower case with hyphens."""
        ...
