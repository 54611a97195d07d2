"""The chunks of one answer, in order; without I/O."""

from collections.abc import Iterator

from modegate.adapters.claude_cli.protocol.answer_text import AnswerText
from modegate.adapters.claude_cli.protocol.events import Event
from modegate.adapters.claude_cli.protocol.reasoning import Reasoning
from modegate.adapters.claude_cli.protocol.usage import TokenCount
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    MessageStarted,
    ReasoningDelta,
    Started,
    TextDelta,
)
from modegate.domain.text import PairJoiner


class AnswerChunks:
    """Builds the chunks: one start, reasoning and text, one end.

    With `handed_out` False the chunks are not sent as they come, so text can be retracted.
    """

    def __init__(self, *, handed_out: bool) -> None:
        self.text = AnswerText(handed_out=handed_out)
        self.tokens = TokenCount()
        self.cli_session_id: str | None = None
        self.started = False
        self.finished = False
        self.reasoning = Reasoning()
        self._message_started = False
        self._text_pieces, self._reasoning_pieces = PairJoiner(), PairJoiner()

    def start(self) -> Iterator[AnswerEvent]:
        """Yields the first chunk. Idempotent."""
        if not self.started:
            self.started = True
            yield Started(self.cli_session_id)

    def start_message(self) -> Iterator[AnswerEvent]:
        """Yields the chunk that names the role. Idempotent."""
        if not self._message_started:
            self._message_started = True
            yield MessageStarted()

    def add(self, block: int, piece: str) -> Iterator[AnswerEvent]:
        """Adds text to a block of the current message, and yields what is new.

        Raises:
            StreamCutError: the text contradicts what was already sent.
        """
        yield from self._deliver(self.text.add(block, piece))

    def think(self, piece: str) -> Iterator[AnswerEvent]:
        """Adds a piece of reasoning to the current message, and yields it."""
        self.reasoning.add(piece)
        if told := self._reasoning_pieces.join(piece):
            yield from self.start_message()
            yield ReasoningDelta(told)

    def end_message(self) -> Iterator[AnswerEvent]:
        """Ends the current message, and yields text that was held back as a possible repetition."""
        yield from self._deliver(self.text.end_message())

    def drop(self, reason: FinishReason) -> Iterator[AnswerEvent]:
        """Drops the current message; ends the answer if part of the message was sent."""
        if self.text.message_is_out:
            yield self.end(reason)
        else:
            self._text_pieces.drop()
            self.text.drop_message()
            self.reasoning.drop_message()

    def end_refused(self, result: Event) -> Iterator[AnswerEvent]:
        """Ends a refused answer without its withheld text; the answer may be empty."""
        if not self.text.message_is_out:
            self.text.drop_message()
        yield from self.start()
        yield from self.start_message()
        yield self.end(FinishReason.CONTENT_FILTER, result)

    def end_with_text(
        self, reason: FinishReason, result: Event | None = None
    ) -> Iterator[AnswerEvent]:
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

    def _deliver(self, new: str) -> Iterator[AnswerEvent]:
        if told := self._text_pieces.join(new):
            yield from self.start_message()
            yield TextDelta(told)
