"""Translates the CLI's events to chunks, without I/O."""

import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from modegate.adapters.claude_cli.protocol.answer_events import AnswerChunks
from modegate.adapters.claude_cli.protocol.answer_text import AnswerText
from modegate.adapters.claude_cli.protocol.events import Event, child, count, text, text_blocks
from modegate.adapters.claude_cli.protocol.open_message import OUTPUT_LIMIT, MessageState
from modegate.adapters.claude_cli.protocol.retry_wait import OwnWaits, Patience
from modegate.adapters.claude_cli.protocol.verdict import Reported, finish_reason, is_forbidden
from modegate.domain.answer.events import AnswerEvent, FinishReason
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import claude_code

UNAUTHORIZED = 401
REFUSAL, CONTEXT_WINDOW = "refusal", "model_context_window_exceeded"
REFUSALS = frozenset({"model_refusal_fallback", "model_refusal_no_fallback"})
DEFAULT_PATIENCE = Patience()


class Translator:
    """Translates the events of one turn to chunks, one event at a time.

    With `handed_out` False the chunks are not sent as they come. Text can then be retracted, and
    only `answer.text` and the last chunk count. With `cuts_at_limit` the answer ends when the model
    first reaches its output limit, even if the CLI continues.
    """

    def __init__(
        self,
        *,
        handed_out: bool = True,
        patience: Patience = DEFAULT_PATIENCE,
        cuts_at_limit: bool = False,
    ) -> None:
        self.completed = False  # whether the CLI has ended the turn
        self._handed_out = handed_out
        self._cuts_at_limit = cuts_at_limit
        self._chunks = AnswerChunks(handed_out=handed_out)
        self._message = MessageState()
        self._whole_blocks = 0
        self._waits = OwnWaits(patience)
        self._reported = Reported()

    @property
    def answer(self) -> AnswerText:
        """The answer's text so far."""
        return self._chunks.text

    @property
    def cli_session_id(self) -> str | None:
        """The id under which the CLI keeps the conversation."""
        return self._chunks.cli_session_id

    @property
    def finished(self) -> bool:
        """Whether the last chunk was made; the CLI's own turn may still be running."""
        return self._chunks.finished

    @property
    def refused(self) -> bool:
        """Whether the model's last message was withheld."""
        return self._message.is_refused

    @property
    def counts(self) -> bool:
        """Whether a client has received part of the answer, or will."""
        return self.finished or (self._handed_out and self._chunks.started)

    @property
    def is_thinking(self) -> bool:
        """Whether a client waits for the first block of a message that has begun."""
        return self._handed_out and self._message.is_open and not self._chunks.started

    def feed(self, event: Event) -> Iterator[AnswerEvent]:
        """Yields the chunks of one event.

        Raises:
            GatewayError: the turn failed.
        """
        handler = self._HANDLERS.get(str(event.get("type")))
        # A subagent's events name the tool call that started it; they are not part of the answer.
        if handler and not self.finished and event.get("parent_tool_use_id") is None:
            yield from handler(self, event)

    def start(self) -> Iterator[AnswerEvent]:
        """Yields the first chunk before the first block arrives. Idempotent."""
        yield from self._chunks.start()

    def give_up(self, error: GatewayError) -> Iterator[AnswerEvent]:
        """Fails the turn, or ends a cut answer whose continuation failed.

        Raises:
            GatewayError: `error`, unless the text so far was cut at the output limit.
        """
        if not (self._message.is_cut and self.answer.text):
            raise error
        yield from self._chunks.end_with_text(FinishReason.LENGTH)

    def _system(self, event: Event) -> Iterator[AnswerEvent]:
        subtype = event.get("subtype")
        if subtype in REFUSALS and self._message.is_open:
            yield from self._refuse()
        elif subtype == "api_retry":
            yield from self._retry(event)

    def _retry(self, event: Event) -> Iterator[AnswerEvent]:
        if event.get("error_status") == UNAUTHORIZED:
            yield from self.give_up(claude_code.auth_failed())
            return
        self._reported.note_retry(event)
        if self._message.is_open:
            self._abandon(0)
        if self._waits.is_too_long(event):
            yield from self.give_up(self._reported.of_retry(event, time.time()))

    def _rate_limit(self, event: Event) -> Iterator[AnswerEvent]:
        self._reported.note_limit(child(event, "rate_limit_info"), time.time())
        yield from ()

    def _stream_event(self, event: Event) -> Iterator[AnswerEvent]:
        inner = child(event, "event")
        match inner.get("type"):
            case "message_start":
                self._note_session(event)
                self._begin_message(child(inner, "message"))
            case "content_block_start":
                self._note_session(event)
                yield from self._chunks.start()
                if self._message.begin_block(inner) == "text":
                    yield from self._chunks.start_text()
            case "content_block_delta":
                delta = child(inner, "delta")
                if delta.get("type") == "text_delta" and (piece := text(delta, "text")):
                    yield from self._chunks.add(count(inner, "index"), piece)
            case "message_delta":
                self._chunks.tokens.end_message(inner)
                yield from self._stop(text(child(inner, "delta"), "stop_reason"))
            case "message_stop":
                if "abandoned_blocks" in event:
                    self._abandon(count(child(event, "abandoned_blocks"), "from_block_index"))
                else:
                    yield from self._chunks.end_message()

    def _assistant(self, event: Event) -> Iterator[AnswerEvent]:
        message = child(event, "message")
        if event.get("is_api_error_message") or message.get("model") == "<synthetic>":
            yield from self._note_error(event)
            return
        if self._message.came_as_deltas(message):
            return
        self._note_session(event)
        yield from self._chunks.start()
        if self._message.begins_whole(message):
            self._whole_blocks = 0
            self.answer.begin_message(continues=self._message.is_cut)
        for piece in text_blocks(message):
            yield from self._chunks.add(self._whole_blocks, piece)
            self._whole_blocks += 1

    def _result(self, event: Event) -> Iterator[AnswerEvent]:
        self.completed = True
        self._note_session(event)
        ended = self._ending(event)
        if isinstance(ended, GatewayError):
            yield from self.give_up(ended)
        elif self.refused or ended is FinishReason.CONTENT_FILTER:
            self._message.is_refused = True
            yield from self._chunks.end_refused(event)
        else:
            yield from self._chunks.end_message()
            if not self.answer.text:  # nothing was streamed: the result may hold the text
                yield from self._take_text_of(event)
            yield from self._chunks.end_with_text(ended, event)

    def _take_text_of(self, result: Event) -> Iterator[AnswerEvent]:
        said = text(result, "result")
        if said is None:
            raise claude_code.no_text()
        yield from self._chunks.start()
        yield from self._chunks.add(0, said)

    def _ending(self, result: Event) -> FinishReason | GatewayError:
        if result.get("is_error") is False and result.get("subtype") == "success":
            return finish_reason(self._message.stop_reason or text(result, "stop_reason"))
        return self._reported.of_result(result, time.time(), has_text=bool(self.answer.text))

    def _stop(self, reason: str | None) -> Iterator[AnswerEvent]:
        """Ends a message of the model; usually another message or the result follows."""
        self._message.end(reason)
        if reason == REFUSAL:
            yield from self._refuse()
        elif self._message.lacks_its_tool:
            yield from self._chunks.drop(FinishReason.LENGTH)
        elif reason == CONTEXT_WINDOW:  # the CLI's next request cannot fit
            yield from self._cut(claude_code.too_long())
        elif reason == OUTPUT_LIMIT and self._cuts_at_limit:
            yield from self._cut(claude_code.cut_without_text())

    def _refuse(self) -> Iterator[AnswerEvent]:
        self._message.is_refused = True
        yield from self._chunks.drop(FinishReason.CONTENT_FILTER)

    def _cut(self, error: GatewayError) -> Iterator[AnswerEvent]:
        """Ends the answer here, even if the CLI continues.

        Raises:
            GatewayError: `error`, if there is no text yet.
        """
        yield from self._chunks.end_message()
        if not self.answer.text:
            raise error
        yield from self._chunks.end_with_text(FinishReason.LENGTH)

    def _note_error(self, event: Event) -> Iterator[AnswerEvent]:
        """Records an error that the CLI reports in a message.

        Raises:
            BackendAuthError: at once, because the CLI may keep retrying.
        """
        self._reported.note_error(event, time.time())
        # A 403 has this name too, but after it the CLI ends the turn by itself.
        if event.get("error") == "authentication_failed" and not is_forbidden(event):
            yield from self.give_up(claude_code.auth_failed())

    def _note_session(self, event: Event) -> None:
        self._chunks.cli_session_id = text(event, "session_id") or self.cli_session_id

    def _begin_message(self, message: Event) -> None:
        if self._message.is_open:  # the last message broke off without an event
            self._abandon(0)
        self._message.begin(message)
        self._chunks.tokens.begin_message(message)
        self.answer.begin_message(continues=self._message.is_cut)

    def _abandon(self, first_block: int) -> None:
        self._message.is_open = False
        self.answer.abandon(first_block)

    _HANDLERS: Mapping[str, Callable[["Translator", Event], Iterator[AnswerEvent]]] = (
        MappingProxyType(
            {
                "system": _system,
                "rate_limit_event": _rate_limit,
                "stream_event": _stream_event,
                "assistant": _assistant,
                "result": _result,
            }
        )
    )
