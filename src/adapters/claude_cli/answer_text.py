"""The answer's text, where the CLI may take some of it back and say it again."""

from io import StringIO

from modegate.domain.errors import StreamCutError


class AnswerText:
    """Holds the text as the CLI has it now, and says what of it is new.

    When an upstream stream breaks, the CLI abandons some content blocks and asks again. What comes
    then repeats what was abandoned, or continues what was kept. With `handed_out` every piece that
    `add` returned is out and cannot be taken back: a repetition is swallowed, and a difference ends
    the answer. Without it the abandoned text is dropped and may differ.
    """

    def __init__(self, *, handed_out: bool) -> None:
        self._handed_out = handed_out
        self._text = StringIO()
        self._sent = ""  # what is out, kept only while the text is shorter than that
        self._starts: dict[int, int] = {}  # where each block of the current message begins
        self._message_start = 0
        self._kept = ""  # what a broken message left, until it is known whether it is said again
        self._held = ""  # the beginning of what follows, while it may yet be that repetition

    @property
    def text(self) -> str:
        """All of it."""
        return self._text.getvalue()

    def begin_message(self) -> None:
        """A message of the model begins; its blocks are counted from 0."""
        self._starts.clear()
        self._message_start = self._text.tell()

    def add(self, block: int, piece: str) -> str:
        """More text of a block; returns what is new to whoever gets the answer.

        Raises:
            StreamCutError: what is out says something else.
        """
        self._starts.setdefault(block, self._text.tell())
        if not self._kept:
            return self._write(piece)
        self._held += piece
        if self._kept.startswith(self._held) and self._held != self._kept:
            return ""
        held, kept = self._held, self._kept
        self._held = self._kept = ""
        return self._write(held.removeprefix(kept))

    def abandon(self, first_block: int = 0) -> None:
        """The current message broke off; its blocks from `first_block` on do not count."""
        self._held = ""
        at = self._cut_at(first_block)
        text = self.text
        if self._handed_out and len(text) > len(self._sent):
            self._sent = text
        self._kept = text[self._message_start : at] or self._kept
        self._text.seek(at)
        self._text.truncate()

    def finish(self) -> str:
        """The text is complete; returns what was still held back.

        Raises:
            StreamCutError: it is shorter than what is out.
        """
        held, self._held, self._kept = self._held, "", ""
        new = self._write(held)
        if self._text.tell() < len(self._sent):
            raise _different()
        return new

    def _cut_at(self, first_block: int) -> int:
        later = [start for block, start in self._starts.items() if block >= first_block]
        return min(later, default=self._text.tell())

    def _write(self, piece: str) -> str:
        at = self._text.tell()
        self._text.write(piece)
        if not self._sent:
            return piece
        repeated = self._sent[at : at + len(piece)]
        if not piece.startswith(repeated):
            raise _different()
        if at + len(piece) >= len(self._sent):
            self._sent = ""
        return piece[len(repeated) :]


def _different() -> StreamCutError:
    return StreamCutError(
        "The connection to the model broke, and its second answer differs from the first: what has "
        "arrived is incomplete. Send the request again."
    )
