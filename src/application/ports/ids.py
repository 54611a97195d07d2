"""New names, as the use cases see them."""

from typing import Protocol


class IdGenerator(Protocol):
    """Makes identifiers that were never there before."""

    def completion_id(self) -> str:
        """The id of an answer: `chatcmpl-` and something unique."""
        ...

    def session_id(self) -> str:
        """A UUID of version 4, in lower case with hyphens."""
        ...
