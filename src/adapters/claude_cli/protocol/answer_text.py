"""The answer's text, parts of which the CLI may retract and repeat."""

from io import StringIO

from modegate.domain.errors.catalogue import claude_code

# Length, in characters, of the passage that a continuation may repeat from the end of the text. A
# shorter match may be new text.
SHORTEST_OVERLAP = 10
LONGEST_OVERLAP = 400


class AnswerText:
    """Holds the text as the CLI has it now, and returns what is new.

    When an upstream stream breaks, the CLI abandons some content blocks and retries. The second
    stream repeats the abandoned text, or continues the kept text. With `handed_out`, returned text
    is sent and cannot be retracted. A repetition is then skipped, and a difference ends the answer.
    Without `handed_out` the abandoned text is dropped and may differ.
    """

    def __init__(self, *, handed_out: bool) -> None:
        self._handed_out = handed_out
        self._text = StringIO()
        self._sent = ""  # text already sent, kept only while the text is shorter
        self._message_start = 0
        self._block_starts: dict[int, int] = {}
        self._broken_starts: list[int] = []  # of messages broken since the last complete one
        self._repeatable: list[str] = []  # passages that the message may repeat
        self._continues = False  # whether these are ends of a text cut at the output limit
        self._held = ""  # the start of a message, held back while it may be a repetition

    @property
    def text(self) -> str:
        """The whole text."""
        return self._text.getvalue()

    @property
    def message_is_out(self) -> bool:
        """Whether text of the current message was returned and cannot be retracted."""
        return self._handed_out and (self._text.tell() > self._message_start or bool(self._sent))

    def begin_message(self, *, continues: bool = False) -> None:
        """Starts a message of the model; its blocks are counted from 0.

        A message that `continues` a cut text may repeat the end of that text.
        """
        self._block_starts.clear()
        self._message_start = self._text.tell()
        text = self.text if self._broken_starts or continues else ""
        self._repeatable = [kept for start in self._broken_starts if (kept := text[start:])]
        self._continues = continues and not self._repeatable
        if self._continues:
            self._repeatable = _ends(text)

    def add(self, block: int, piece: str) -> str:
        """Adds text to a block; returns what is new to the client.

        Raises:
            StreamCutError: the text contradicts what was already sent.
        """
        self._block_starts.setdefault(block, self._text.tell())
        if not self._repeatable:
            return self._write(piece)
        self._held += piece
        if any(kept != self._held and kept.startswith(self._held) for kept in self._repeatable):
            return ""
        return self._settle()

    def abandon(self, first_block: int = 0) -> None:
        """Discards the blocks of the broken message from `first_block` on."""
        self._held = ""
        text = self.text
        if self._handed_out and len(text) > len(self._sent):
            self._sent = text
        self._broken_starts.append(self._message_start)
        self._text.seek(self._cut_at(first_block))
        self._text.truncate()

    def drop_message(self) -> None:
        """Discards the text of the refused current message."""
        self._held = ""
        self._repeatable = []
        self._broken_starts.clear()
        self._text.seek(self._message_start)
        self._text.truncate()

    def end_message(self) -> str:
        """Ends a complete message; returns the text still held back."""
        self._broken_starts.clear()
        return self._settle()

    def finish(self) -> str:
        """Ends the text; returns the text still held back.

        Raises:
            StreamCutError: the text is shorter than what was already sent.
        """
        new = self.end_message()
        if self._text.tell() < len(self._sent):
            raise claude_code.second_answer_differs()
        return new

    def _settle(self) -> str:
        """Writes the text held back, without the passage that it repeats."""
        again = [kept for kept in self._repeatable if self._held.startswith(kept)]
        longest = max(again, key=len, default="")
        if self._continues and self._is_usual(longest):
            longest = ""
        new = self._held.removeprefix(longest)
        self._held = ""
        self._repeatable = []
        return self._write(new)

    def _is_usual(self, passage: str) -> bool:
        """Returns whether the passage also occurs earlier in the text, as in lists and tables."""
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
            raise claude_code.second_answer_differs()
        if at + len(piece) >= len(self._sent):
            self._sent = ""
        return piece[len(repeated) :]


def _ends(text: str) -> list[str]:
    """Returns the ends of `text` that a continuation may repeat.

    The whole text is excluded, because an answer may repeat itself on purpose.
    """
    longest = min(LONGEST_OVERLAP, len(text) - 1)
    return [text[-length:] for length in range(SHORTEST_OVERLAP, longest + 1)]
