"""The ways in which an answer ends, without I/O."""

from collections.abc import Iterator
from dataclasses import replace

from modegate.adapters.claude_cli.protocol.answer_events import AnswerChunks
from modegate.adapters.claude_cli.protocol.document import Document
from modegate.adapters.claude_cli.protocol.events import Event, text
from modegate.adapters.claude_cli.protocol.open_message import OUTPUT_LIMIT, MessageState
from modegate.domain.answer.events import AnswerEvent, FinishReason
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import claude_code
from modegate.domain.structured.document_error import DocumentError

REFUSAL, CONTEXT_WINDOW = "refusal", "model_context_window_exceeded"


class AnswerEnd:
    """Ends the answer: with its result, at a limit, after a refusal, or with the turn's failure.

    With `cuts_at_limit` the answer ends when the model first reaches its output limit, even if the
    CLI continues. So it does if the request `has_own_limit`, and then it may be empty.
    """

    def __init__(
        self,
        message: MessageState,
        chunks: AnswerChunks,
        *,
        cuts_at_limit: bool,
        has_own_limit: bool = False,
        document: Document | None = None,
    ) -> None:
        self._message = message
        self._chunks = chunks
        self._cuts_at_limit = cuts_at_limit or has_own_limit
        self._has_own_limit = has_own_limit
        self._document = document

    def give_up(self, error: GatewayError) -> Iterator[AnswerEvent]:
        """Fails the turn, or ends a cut answer whose continuation failed.

        Raises:
            GatewayError: `error`, unless the text so far was cut at the output limit.
        """
        if not (self._message.is_cut and self._chunks.text.text):
            raise error
        yield from self._chunks.end_with_text(FinishReason.LENGTH)

    def end_message(
        self, reason: str | None, stop_text: str | None = None
    ) -> Iterator[AnswerEvent]:
        """Ends a message of the model; usually another message or the result follows.

        Raises:
            GatewayError: the model reached a limit before there was any text.
        """
        self._message.end(reason, stop_text)
        if reason == REFUSAL:
            yield from self.refuse()
        elif self._message.lacks_its_tool or (
            reason == OUTPUT_LIMIT and self._chunks.calls.has_some  # the last call is cut
        ):
            yield from self._chunks.drop(FinishReason.LENGTH)
        elif reason == CONTEXT_WINDOW:  # the CLI's next request cannot fit
            yield from self._cut(claude_code.too_long())
        elif reason == OUTPUT_LIMIT and self._cuts_at_limit:
            yield from self._cut(None if self._has_own_limit else claude_code.cut_without_text())

    def refuse(self) -> Iterator[AnswerEvent]:
        """Drops the message that the model withheld."""
        self._message.is_refused = True
        yield from self._chunks.drop(FinishReason.CONTENT_FILTER)

    def complete(self, result: Event, reason: FinishReason) -> Iterator[AnswerEvent]:
        """Ends the answer with the CLI's result.

        Raises:
            GatewayError: there is no text, or less than was already sent.
        """
        if self._message.is_refused or reason is FinishReason.CONTENT_FILTER:
            self._message.is_refused = True
            yield from self._chunks.end_refused(result)
            return
        if self._document is not None:
            yield from self._complete_document(self._document, result)
            return
        yield from self._chunks.end_message()
        if not self._chunks.text.text:  # nothing was streamed: the result may hold the text
            yield from self._take_text_of(result)
        yield from self._chunks.end_with_text(reason, result, self._message.stop_text)

    def _complete_document(self, document: Document, result: Event) -> Iterator[AnswerEvent]:
        try:
            written = document.of_result(result)
        except DocumentError as error:
            if not document.is_repairable:
                raise
            yield from self._chunks.start()
            yield replace(self._chunks.end(FinishReason.STOP, result), rejected=error.fault)
            return
        yield from self._write(written)
        yield from self._chunks.end_with_text(FinishReason.STOP, result)

    def _take_text_of(self, result: Event) -> Iterator[AnswerEvent]:
        said = text(result, "result")
        if said is None:
            raise claude_code.no_text()
        yield from self._write(said)

    def _write(self, said: str) -> Iterator[AnswerEvent]:
        yield from self._chunks.start()
        yield from self._chunks.add(0, said)

    def _cut(self, error: GatewayError | None) -> Iterator[AnswerEvent]:
        """Ends the answer here, even if the CLI continues; without text with `error`, if any."""
        yield from self._chunks.end_message()
        if self._document is not None and self._document.partial:
            yield from self._write(self._document.partial)
        if not self._chunks.text.text:
            if error is not None:
                raise error
            yield from self._chunks.start()
            yield from self._chunks.start_message()
        yield from self._chunks.end_with_text(FinishReason.LENGTH)
