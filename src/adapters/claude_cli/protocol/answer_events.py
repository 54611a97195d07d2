"""The chunks of one answer, in their order; without I/O."""

from collections.abc import Iterator

from modegate.adapters.claude_cli.protocol.answer_text import AnswerText
from modegate.adapters.claude_cli.protocol.events import Event
from modegate.adapters.claude_cli.protocol.usage import TokenCount
from modegate.domain.answer.events import Finished, FinishReason, Started, TextDelta, TextStarted
from modegate.domain.text import replace_lone_surrogates

AnswerChunk = Started | TextStarted | TextDelta | Finished


class AnswerChunks:
    """Makes the chunks: one start, text, one end.

    With `handed_out` False they are not sent as they come, and text may be taken back.
    """

    def __init__(self, *, handed_out: bool) -> None:
        self.text = AnswerText(handed_out=handed_out)
        self.tokens = TokenCount()
        self.cli_session_id: str | None = None
        self.started = False
        self.finished = False
        self._text_started = False
        self._half = ""  # the first half of a character that was split over two pieces

    def start(self) -> Iterator[AnswerChunk]:
        """The first chunk, once."""
        if not self.started:
            self.started = True
            yield Started(self.cli_session_id)

    def start_text(self) -> Iterator[AnswerChunk]:
        """The chunk that names the role, once."""
        if not self._text_started:
            self._text_started = True
            yield TextStarted()

    def add(self, block: int, piece: str) -> Iterator[AnswerChunk]:
        """More text of a block of the current message.

        Raises:
            StreamCutError: what is out says something else.
        """
        yield from self._deliver(self.text.add(block, piece))

    def end_message(self) -> Iterator[AnswerChunk]:
        """The text that was held back, because it might have been a repetition."""
        yield from self._deliver(self.text.end_message())

    def drop(self, reason: FinishReason) -> Iterator[AnswerChunk]:
        """Take the current message back; where a client has some of it, the answer ends."""
        if self.text.message_is_out:
            yield self.end(reason)
        else:
            self._half = ""
            self.text.drop_message()

    def end_refused(self, result: Event) -> Iterator[AnswerChunk]:
        """End without what was withheld, and maybe without a word."""
        if not self.text.message_is_out:
            self.text.drop_message()
        yield from self.start()
        yield from self.start_text()
        yield self.end(FinishReason.CONTENT_FILTER, result)

    def end_with_text(
        self, reason: FinishReason, result: Event | None = None
    ) -> Iterator[AnswerChunk]:
        """End with all of the text.

        Raises:
            StreamCutError: it is shorter than what is out.
        """
        new = self.text.finish()
        yield from self.start()
        yield from self._deliver(new)
        yield self.end(reason, result)

    def end(self, reason: FinishReason, result: Event | None = None) -> Finished:
        """The last chunk; its usage is that of the CLI's `result`, or of the turn so far."""
        self.finished = True
        said = self.text.text
        usage = self.tokens.so_far(said) if result is None else self.tokens.of_result(result, said)
        return Finished(reason, usage)

    def _deliver(self, new: str) -> Iterator[AnswerChunk]:
        piece = self._half + new
        self._half = piece[-1:] if "\ud800" <= piece[-1:] <= "\udbff" else ""
        if told := piece.removesuffix(self._half):
            yield from self.start_text()
            yield TextDelta(replace_lone_surrogates(told))
