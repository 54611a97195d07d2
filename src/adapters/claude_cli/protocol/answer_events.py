"""The chunks of one answer, in order; without I/O."""

from collections.abc import Iterator

from modegate.adapters.claude_cli.protocol.answer_text import AnswerText
from modegate.adapters.claude_cli.protocol.events import Event
from modegate.adapters.claude_cli.protocol.usage import TokenCount
from modegate.domain.answer.events import Finished, FinishReason, Started, TextDelta, TextStarted
from modegate.domain.text import replace_lone_surrogates

AnswerChunk = Started | TextStarted | TextDelta | Finished


class AnswerChunks:
    """Builds the chunks: one start, text, one end.

    With `handed_out` False the chunks are not sent as they come, so text can be retracted.
    """

    def __init__(self, *, handed_out: bool) -> None:
        self.text = AnswerText(handed_out=handed_out)
        self.tokens = TokenCount()
        self.cli_session_id: str | None = None
        self.started = False
        self.finished = False
        self._text_started = False
        self._half = ""  # a high surrogate whose low half comes with the next piece

    def start(self) -> Iterator[AnswerChunk]:
        """Yields the first chunk. Idempotent."""
        if not self.started:
            self.started = True
            yield Started(self.cli_session_id)

    def start_text(self) -> Iterator[AnswerChunk]:
        """Yields the chunk that names the role. Idempotent."""
        if not self._text_started:
            self._text_started = True
            yield TextStarted()

    def add(self, block: int, piece: str) -> Iterator[AnswerChunk]:
        """Adds text to a block of the current message, and yields what is new.

        Raises:
            StreamCutError: the text contradicts what was already sent.
        """
        yield from self._deliver(self.text.add(block, piece))

    def end_message(self) -> Iterator[AnswerChunk]:
        """Ends the current message, and yields text that was held back as a possible repetition."""
        yield from self._deliver(self.text.end_message())

    def drop(self, reason: FinishReason) -> Iterator[AnswerChunk]:
        """Drops the current message; ends the answer if part of the message was sent."""
        if self.text.message_is_out:
            yield self.end(reason)
        else:
            self._half = ""
            self.text.drop_message()

    def end_refused(self, result: Event) -> Iterator[AnswerChunk]:
        """Ends a refused answer without its withheld text; the answer may be empty."""
        if not self.text.message_is_out:
            self.text.drop_message()
        yield from self.start()
        yield from self.start_text()
        yield self.end(FinishReason.CONTENT_FILTER, result)

    def end_with_text(
        self, reason: FinishReason, result: Event | None = None
    ) -> Iterator[AnswerChunk]:
        """Ends the answer with all of its text.

        Raises:
            StreamCutError: the text is shorter than what was already sent.
        """
        new = self.text.finish()
        yield from self.start()
        yield from self._deliver(new)
        yield self.end(reason, result)

    def end(self, reason: FinishReason, result: Event | None = None) -> Finished:
        """Returns the last chunk, with the usage of the CLI's `result` or of the turn so far."""
        self.finished = True
        said = self.text.text
        usage = self.tokens.so_far(said) if result is None else self.tokens.of_result(result, said)
        return Finished(reason, usage, self.tokens.model)

    def _deliver(self, new: str) -> Iterator[AnswerChunk]:
        piece = self._half + new
        self._half = piece[-1:] if "\ud800" <= piece[-1:] <= "\udbff" else ""
        if told := piece.removesuffix(self._half):
            yield from self.start_text()
            yield TextDelta(replace_lone_surrogates(told))
