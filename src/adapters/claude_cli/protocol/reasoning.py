"""The model's reasoning in one answer, without I/O."""

from modegate.domain.text import replace_lone_surrogates


class Reasoning:
    """Holds the reasoning of each message; that of a dropped message is dropped with it."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._message: list[str] = []

    @property
    def text(self) -> str:
        """The reasoning of all messages."""
        return replace_lone_surrogates("".join((*self._kept, *self._message)))

    def begin_message(self) -> None:
        """Starts a message of the model, and keeps the last one's reasoning."""
        self._kept += self._message
        self._message = []

    def add(self, piece: str) -> None:
        """Adds a piece to the current message."""
        self._message.append(piece)

    def drop_message(self) -> None:
        """Drops the reasoning of the current message."""
        self._message = []
