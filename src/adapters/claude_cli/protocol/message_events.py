"""Reads the events of the model's messages to chunks, whether a message comes as deltas or whole."""

from collections.abc import Iterator

from modegate.adapters.claude_cli.protocol.answer_end import AnswerEnd
from modegate.adapters.claude_cli.protocol.answer_events import AnswerChunks
from modegate.adapters.claude_cli.protocol.document import Document
from modegate.adapters.claude_cli.protocol.events import Event, child, count, text, text_blocks
from modegate.adapters.claude_cli.protocol.open_message import MessageState
from modegate.domain.answer.events import AnswerEvent


class MessageEvents:
    """Adds the blocks of messages to the chunks of an answer, and ends it with the last message.

    With a `document` it is the answer, in place of all other text.
    """

    def __init__(
        self,
        message: MessageState,
        chunks: AnswerChunks,
        end: AnswerEnd,
        document: Document | None,
        *,
        shows_reasoning: bool,
    ) -> None:
        self._message = message
        self._chunks = chunks
        self._end = end
        self._document = document
        self._shows_reasoning = shows_reasoning
        self._whole_blocks = 0

    def streamed(self, event: Event) -> Iterator[AnswerEvent]:
        """Yields the chunks of one event of a message that comes as deltas."""
        inner = child(event, "event")
        match inner.get("type"):
            case "message_start":
                self.note_session(event)
                self._begin_message(child(inner, "message"))
            case "content_block_start":
                self.note_session(event)
                yield from self._chunks.start()
                if self._message.begin_block(inner) == "text" and self._document is None:
                    yield from self._chunks.start_message()
                block = child(inner, "content_block")
                if self._document is not None:
                    self._document.begin_block(text(block, "name"))
                yield from self._chunks.begin_call(count(inner, "index"), block)
            case "content_block_delta":
                yield from self._delta(count(inner, "index"), child(inner, "delta"))
            case "content_block_stop":
                self._message.end_block()
                yield from self._chunks.calls.end_block(count(inner, "index"))
            case "message_delta":
                self._chunks.tokens.end_message(inner)
                delta = child(inner, "delta")
                yield from self._end.end_message(
                    text(delta, "stop_reason"), text(delta, "stop_sequence")
                )
            case "message_stop":
                if "abandoned_blocks" in event:
                    self.abandon(count(child(event, "abandoned_blocks"), "from_block_index"))
                else:
                    yield from self._chunks.end_message()
                    yield from self._chunks.end_with_calls()

    def whole(self, event: Event) -> Iterator[AnswerEvent]:
        """Yields the chunks of a whole message, unless it came as deltas before."""
        message = child(event, "message")
        if self._message.came_as_deltas(message):
            return
        self.note_session(event)
        yield from self._chunks.start()
        if self._message.begins_whole(message):
            self._whole_blocks = 0
            self._chunks.text.begin_message(continues=self._message.is_cut)
            self._chunks.calls.begin_message()
        if self._shows_reasoning:
            for piece in text_blocks(message, "thinking"):
                yield from self._chunks.think(piece)
        for piece in text_blocks(message) if self._document is None else ():
            yield from self._chunks.add(self._whole_blocks, piece)
            self._whole_blocks += 1
        yield from self._chunks.add_whole_calls(message)

    def note_session(self, event: Event) -> None:
        """Notes the id under which the CLI keeps the conversation."""
        self._chunks.cli_session_id = text(event, "session_id") or self._chunks.cli_session_id

    def abandon(self, first_block: int = 0) -> None:
        """Takes back the open message's blocks from `first_block` on: the CLI asks for it again."""
        self._message.is_open = self._message.is_reasoning = False
        self._chunks.abandon(first_block)

    def _delta(self, index: int, delta: Event) -> Iterator[AnswerEvent]:
        if self._document and self._document.is_open and (piece := text(delta, "partial_json")):
            self._document.add(piece)
        elif self._document is None and (piece := text(delta, "text")):
            yield from self._chunks.add(index, piece)
        elif piece := text(delta, "partial_json"):
            yield from self._chunks.calls.add(index, piece)
        elif self._shows_reasoning and (piece := text(delta, "thinking")):
            yield from self._chunks.think(piece)

    def _begin_message(self, message: Event) -> None:
        if self._message.is_open:  # the last message broke off without an event
            self.abandon()
        self._message.begin(message)
        if self._document is not None:
            self._document.begin_message()
        self._chunks.tokens.begin_message(message)
        self._chunks.reasoning.begin_message()
        self._chunks.calls.begin_message()
        self._chunks.text.begin_message(continues=self._message.is_cut)
