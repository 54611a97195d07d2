"""The answer's text, where the CLI may take some of it back and say it again."""

from io import StringIO

from modegate.domain.errors import StreamCutError

# What a continuation may say again of the end of the text that it continues, in characters. A
# shorter passage may be the text itself.
SHORTEST_OVERLAP = 10
LONGEST_OVERLAP = 400


class AnswerText:
    """Holds the text as the CLI has it now, and says what of it is new.

    When an upstream stream breaks, the CLI abandons some content blocks and asks again. What comes
    then repeats what was abandoned, or continues what was kept. With `handed_out` every piece that
    was returned is out and cannot be taken back: a repetition is swallowed, and a difference ends
    the answer. Without it the abandoned text is dropped and may differ.
    """

    def __init__(self, *, handed_out: bool) -> None:
        self._handed_out = handed_out
        self._text = StringIO()
        self._sent = ""  # what is out, kept only while the text is shorter than that
        self._message_start = 0
        self._block_starts: dict[int, int] = {}
        self._broken_starts: list[int] = []  # of the messages that broke since the last whole one
        self._repeatable: list[str] = []  # what was kept of them, and may be said again
        self._continues = False  # whether they are ends of a text that was cut
        self._held = ""  # the beginning of a message, while it may yet be such a repetition

    @property
    def text(self) -> str:
        """All of it."""
        return self._text.getvalue()

    @property
    def message_is_out(self) -> bool:
        """Whether text of the message under way was returned and cannot be taken back."""
        return self._handed_out and (self._text.tell() > self._message_start or bool(self._sent))

    def begin_message(self, *, continues: bool = False) -> None:
        """A message of the model begins; its blocks are counted from 0.

        One that `continues` the text where it was cut may say the end of it again.
        """
        self._block_starts.clear()
        self._message_start = self._text.tell()
        text = self.text if self._broken_starts or continues else ""
        self._repeatable = [kept for start in self._broken_starts if (kept := text[start:])]
        self._continues = continues and not self._repeatable
        if self._continues:
            self._repeatable = _ends(text)

    def add(self, block: int, piece: str) -> str:
        """More text of a block; returns what is new to whoever gets the answer.

        Raises:
            StreamCutError: what is out says something else.
        """
        self._block_starts.setdefault(block, self._text.tell())
        if not self._repeatable:
            return self._write(piece)
        self._held += piece
        if any(kept != self._held and kept.startswith(self._held) for kept in self._repeatable):
            return ""
        return self._settle()

    def abandon(self, first_block: int = 0) -> None:
        """The message under way broke off; its blocks from `first_block` on do not count."""
        self._held = ""
        text = self.text
        if self._handed_out and len(text) > len(self._sent):
            self._sent = text
        self._broken_starts.append(self._message_start)
        self._text.seek(self._cut_at(first_block))
        self._text.truncate()

    def drop_message(self) -> None:
        """The message under way was refused: its text is no part of the answer."""
        self._held = ""
        self._repeatable = []
        self._broken_starts.clear()
        self._text.seek(self._message_start)
        self._text.truncate()

    def end_message(self) -> str:
        """The message is whole; returns what was still held back."""
        self._broken_starts.clear()
        return self._settle()

    def finish(self) -> str:
        """The text is complete; returns what was still held back.

        Raises:
            StreamCutError: it is shorter than what is out.
        """
        new = self.end_message()
        if self._text.tell() < len(self._sent):
            raise _different()
        return new

    def _settle(self) -> str:
        """Write what was held back, without what it says again."""
        again = [kept for kept in self._repeatable if self._held.startswith(kept)]
        longest = max(again, key=len, default="")
        if self._continues and self._is_usual(longest):
            longest = ""
        new = self._held.removeprefix(longest)
        self._held = ""
        self._repeatable = []
        return self._write(new)

    def _is_usual(self, passage: str) -> bool:
        """Whether the text repeats itself by nature, as lists and tables do."""
        text = self.text
        return text.find(passage) < len(text) - len(passage)

    def _cut_at(self, first_block: int) -> int:
        later = [start for block, start in self._block_starts.items() if block >= first_block]
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


def _ends(text: str) -> list[str]:
    """The ends of `text` that a continuation may say again.

    The whole of the text is not among them: an answer may well say the same thing twice.
    """
    longest = min(LONGEST_OVERLAP, len(text) - 1)
    return [text[-length:] for length in range(SHORTEST_OVERLAP, longest + 1)]


def _different() -> StreamCutError:
    return StreamCutError(
        "The connection to the model broke, and its second answer differs from the first: what has "
        "arrived is incomplete. Send the request again."
    )
