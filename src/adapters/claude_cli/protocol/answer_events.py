"""The chunks of one answer, in order; without I/O."""

import json
from collections.abc import Iterator

from modegate.adapters.claude_cli.protocol.answer_calls import AnswerCalls, NoTools, ToolNames
from modegate.adapters.claude_cli.protocol.answer_text import AnswerText
from modegate.adapters.claude_cli.protocol.events import Event, child
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
from modegate.domain.errors.catalogue import claude_code
from modegate.domain.text import PairJoiner


class AnswerChunks:
    """Builds the chunks: one start, reasoning, text and calls, one end.

    With `handed_out` False the chunks are not sent as they come, so text can be retracted.
    """

    def __init__(self, *, handed_out: bool, names: ToolNames | None = None) -> None:
        names = names or NoTools()
        self._handed_out = handed_out
        self._shown_text, self._shown_reasoning = names.text_filter(), names.text_filter()
        self.calls = AnswerCalls(names)
        self.text = AnswerText(handed_out=handed_out)
        self.tokens = TokenCount()
        self.cli_session_id: str | None = None
        self.started = False
        self.finished = False
        self.awaits_results = False
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
        yield from self._show_reasoning(
            self._shown_reasoning.feed(self._reasoning_pieces.join(piece))
        )

    def begin_call(self, index: int, block: Event) -> Iterator[AnswerEvent]:
        """Starts a block of the current message, which may be a call of a client's tool."""
        for event in self.calls.begin_block(index, block):
            yield from self._flush()
            yield from self.start_message()
            yield event

    def end_message(self) -> Iterator[AnswerEvent]:
        """Ends the current message, and yields text that was held back as a possible repetition."""
        yield from self._deliver(self.text.end_message())

    def add_whole_calls(self, message: Event) -> Iterator[AnswerEvent]:
        """Adds the calls of a message that came without deltas."""
        blocks = message.get("content")
        for block in blocks if isinstance(blocks, list) else ():
            index = len(self.calls.calls)  # each block comes in an event of its own
            yield from self.begin_call(index, block)
            yield from self.calls.add(index, json.dumps(child(block, "input")))
            yield from self.calls.end_block(index)

    def end_with_calls(self) -> Iterator[AnswerEvent]:
        """Ends the answer if the message that has ended calls tools of the client."""
        if self.calls.has_some and not self.finished:
            yield from self._flush()
            self.awaits_results = True
            yield self.end(FinishReason.TOOL_CALLS)

    def abandon(self, first_block: int) -> None:
        """Discards the blocks of the broken message from `first_block` on.

        Raises:
            StreamCutError: a client has received a call that is among them.
        """
        before = len(self.calls.calls)
        self.calls.drop(first_block)
        if self._handed_out and len(self.calls.calls) < before:
            raise claude_code.second_answer_differs()
        self.text.abandon(first_block)
        if first_block == 0:
            self.reasoning.drop_message()

    def drop(self, reason: FinishReason) -> Iterator[AnswerEvent]:
        """Drops the current message; ends the answer if part of the message was sent."""
        if self._message_is_out:
            yield from self._flush()
            yield self.end(reason)
        else:
            self._text_pieces.drop()
            self.text.drop_message()
            self.calls.drop()
            self.reasoning.drop_message()

    def end_refused(self, result: Event) -> Iterator[AnswerEvent]:
        """Ends a refused answer without its withheld text; the answer may be empty."""
        if not self._message_is_out:
            self.text.drop_message()
            self.calls.drop()
        yield from self._flush()
        yield from self.start()
        yield from self.start_message()
        yield self.end(FinishReason.CONTENT_FILTER, result)

    def end_with_text(
        self, reason: FinishReason, result: Event | None = None, stop_text: str | None = None
    ) -> Iterator[AnswerEvent]:
        """Ends the answer with all of its text.

        Raises:
            StreamCutError: the text is shorter than what was already sent.
        """
        new = self.text.finish()
        yield from self.start()
        yield from self._deliver(new)
        yield from self._flush()
        yield self.end(reason, result, stop_text)

    def end(
        self, reason: FinishReason, result: Event | None = None, stop_text: str | None = None
    ) -> Finished:
        """Returns the last chunk, with the usage of the CLI's `result` or of the turn so far."""
        self.finished = True
        said = self.text.text
        usage = self.tokens.so_far(said) if result is None else self.tokens.of_result(result, said)
        return Finished(reason, usage, self.tokens.model, stop_text)

    def _deliver(self, new: str) -> Iterator[AnswerEvent]:
        yield from self._show_text(self._shown_text.feed(self._text_pieces.join(new)))

    def _flush(self) -> Iterator[AnswerEvent]:
        """Yields what the filters hold back."""
        yield from self._show_text(self._shown_text.flush())

    def _show_text(self, told: str) -> Iterator[AnswerEvent]:
        if told:
            yield from self._show_reasoning(self._shown_reasoning.flush())
            yield from self.start_message()
            yield TextDelta(told)

    def _show_reasoning(self, told: str) -> Iterator[AnswerEvent]:
        if told:
            yield from self.start_message()
            yield ReasoningDelta(told)

    @property
    def _message_is_out(self) -> bool:
        return self.text.message_is_out or (self._handed_out and self.calls.has_some)
