"""A text that comes in many small pieces."""

from modegate.domain.errors.catalogue import upstream as errors

# A piece of five characters takes 62 bytes in a list.
MAX_PIECES = 512
MAX_CHARACTERS = 64 * 1024 * 1024


class GrowingText:
    """Collects the pieces of a text in little more memory than the text needs."""

    __slots__ = ("_joined", "_pieces", "_size")

    def __init__(self) -> None:
        self._joined: list[str] = []
        self._pieces: list[str] = []
        self._size = 0

    def add(self, piece: str) -> None:
        """Adds the next piece.

        Raises:
            OutputLimitError: the text exceeds `MAX_CHARACTERS`.
        """
        self._size += len(piece)
        if self._size > MAX_CHARACTERS:
            raise errors.answer_too_long(MAX_CHARACTERS, streamed=True)
        self._pieces.append(piece)
        if len(self._pieces) == MAX_PIECES:
            self._joined.append("".join(self._pieces))
            self._pieces.clear()

    def __bool__(self) -> bool:
        """Whether there is any text."""
        return self._size > 0

    @property
    def text(self) -> str:
        """The text so far."""
        if self._pieces or len(self._joined) > 1:
            self._joined = ["".join((*self._joined, *self._pieces))]
            self._pieces.clear()
        return self._joined[0] if self._joined else ""
