"""Translates the CLI's events to chunks, without I/O."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from modegate.adapters.claude_cli.protocol.answer_calls import NoTools, ToolNames
from modegate.adapters.claude_cli.protocol.answer_end import AnswerEnd
from modegate.adapters.claude_cli.protocol.answer_events import AnswerChunks
from modegate.adapters.claude_cli.protocol.answer_status import AnswerStatus
from modegate.adapters.claude_cli.protocol.answer_text import AnswerText
from modegate.adapters.claude_cli.protocol.document import Document
from modegate.adapters.claude_cli.protocol.events import (
    Event,
    child,
    count,
    is_tool_call,
    text,
    text_blocks,
)
from modegate.adapters.claude_cli.protocol.failures.reports import FailureReports, is_unauthorized
from modegate.adapters.claude_cli.protocol.failures.retry_wait import Patience
from modegate.adapters.claude_cli.protocol.open_message import MessageState
from modegate.domain.answer.events import AnswerEvent
from modegate.domain.answer.usage import Usage
from modegate.domain.conversation.message import ToolCall
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import claude_code
from modegate.domain.text import replace_lone_surrogates

REFUSALS = frozenset({"model_refusal_fallback", "model_refusal_no_fallback"})
DEFAULT_PATIENCE = Patience()


class Translator:
    """Translates the events of one turn to chunks, one event at a time.

    With `handed_out` False the chunks are not sent as they come. Text can then be retracted, and
    only `answer.text`, `reasoning` and the last chunk count. `cuts_at_limit` and `has_own_limit`
    are explained at `AnswerEnd`. With a `document` it is the answer, in place of all other text.
    Reasoning that a broken stream repeats is sent again. A message that calls tools of the client,
    whose `names` are given, ends the answer, but not the CLI's turn.
    """

    def __init__(  # noqa: PLR0913 - what one answer depends on
        self,
        *,
        handed_out: bool = True,
        patience: Patience = DEFAULT_PATIENCE,
        cuts_at_limit: bool = False,
        has_own_limit: bool = False,
        document: Document | None = None,
        shows_reasoning: bool = False,
        names: ToolNames | None = None,
    ) -> None:
        self._names = names or NoTools()
        self._cli_ended = False
        self._handed_out = handed_out
        self._shows_reasoning = shows_reasoning
        self._chunks = AnswerChunks(handed_out=handed_out, names=names)
        self._message = MessageState()
        self._end = AnswerEnd(
            self._message,
            self._chunks,
            cuts_at_limit=cuts_at_limit,
            has_own_limit=has_own_limit,
            document=document,
        )
        self._document = document
        self._whole_blocks = 0
        self._failures = FailureReports(patience)

    @property
    def answer(self) -> AnswerText:
        """The answer's text so far."""
        return self._chunks.text

    @property
    def reasoning(self) -> str:
        """The reasoning so far; empty if it is not shown."""
        return self._shown(self._chunks.reasoning.text)

    @property
    def text(self) -> str:
        """The answer's text so far, as it is shown."""
        return self._shown(replace_lone_surrogates(self.answer.text))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The calls of the client's tools so far."""
        return self._chunks.calls.calls

    @property
    def awaits_results(self) -> bool:
        """Whether the answer has ended with calls whose results the CLI's turn needs to go on."""
        return self.finished and self._chunks.awaits_results

    @property
    def cli_session_id(self) -> str | None:
        """The id under which the CLI keeps the conversation."""
        return self._chunks.cli_session_id

    @property
    def usage_so_far(self) -> Usage:
        """The usage of a turn that ends without a last chunk."""
        return self._chunks.tokens.of_cut(self.answer.text)

    @property
    def model(self) -> str | None:
        """The model that answers, as the CLI names it."""
        return self._chunks.tokens.model

    @property
    def finished(self) -> bool:
        """Whether the last chunk was made; the CLI's own turn may still be running."""
        return self._chunks.finished

    @property
    def status(self) -> AnswerStatus:
        """How far the answer has come."""
        return AnswerStatus(
            answered=self.finished,
            known=self.finished or (self._handed_out and self._chunks.started),
            cli_ended=self._cli_ended,
            refused=self._message.is_refused,
            awaits_results=self.awaits_results,
        )

    @property
    def awaits_first_block(self) -> bool:
        """Whether a client waits for the first block of a message that has begun."""
        return self._handed_out and self._message.is_open and not self._chunks.started

    @property
    def is_reasoning(self) -> bool:
        """Whether the model reasons in an open block: it may be silent for long."""
        return self._message.is_reasoning

    def feed(self, event: Event) -> Iterator[AnswerEvent]:
        """Yields the chunks of one event.

        Raises:
            GatewayError: the turn failed.
        """
        handler = self._HANDLERS.get(str(event.get("type")))
        # A subagent's events name the tool call that started it; they are not part of the answer.
        if handler and not self.finished and event.get("parent_tool_use_id") is None:
            yield from handler(self, event)

    def go_on(self) -> None:
        """Makes the answer the next part of a turn, which has answered with calls before."""
        self._chunks.tokens.is_part = True

    def start(self) -> Iterator[AnswerEvent]:
        """Yields the first chunk before the first block arrives. Idempotent."""
        yield from self._chunks.start()

    def give_up(self, error: GatewayError) -> Iterator[AnswerEvent]:
        """Fails the turn, or ends a cut answer whose continuation failed.

        Raises:
            GatewayError: `error`, unless the text so far was cut at the output limit.
        """
        yield from self._end.give_up(error)

    def _system(self, event: Event) -> Iterator[AnswerEvent]:
        subtype = event.get("subtype")
        if subtype in REFUSALS and self._message.is_open:
            yield from self._end.refuse()
        elif subtype == "api_retry":
            yield from self._retry(event)

    def _retry(self, event: Event) -> Iterator[AnswerEvent]:
        if is_unauthorized(event):
            yield from self._end.give_up(claude_code.auth_failed())
            return
        if self._message.is_open:
            self._abandon(0)
        if error := self._failures.of_retry(event):
            yield from self._end.give_up(error)

    def _rate_limit(self, event: Event) -> Iterator[AnswerEvent]:
        self._failures.note_limit(event)
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
                    self._abandon(count(child(event, "abandoned_blocks"), "from_block_index"))
                else:
                    yield from self._chunks.end_message()
                    yield from self._chunks.end_with_calls()

    def _delta(self, index: int, delta: Event) -> Iterator[AnswerEvent]:
        if self._document and self._document.is_open and (piece := text(delta, "partial_json")):
            self._document.add(piece)
        elif self._document is None and (piece := text(delta, "text")):
            yield from self._chunks.add(index, piece)
        elif piece := text(delta, "partial_json"):
            yield from self._chunks.calls.add(index, piece)
        elif self._shows_reasoning and (piece := text(delta, "thinking")):
            yield from self._chunks.think(piece)

    def _assistant(self, event: Event) -> Iterator[AnswerEvent]:
        message = child(event, "message")
        if event.get("is_api_error_message") or message.get("model") == "<synthetic>":
            if error := self._failures.of_message(event):
                yield from self._end.give_up(error)
            return
        if self._message.came_as_deltas(message):
            return
        self._note_session(event)
        yield from self._chunks.start()
        if self._message.begins_whole(message):
            self._whole_blocks = 0
            self.answer.begin_message(continues=self._message.is_cut)
            self._chunks.calls.begin_message()
        if self._shows_reasoning:
            for piece in text_blocks(message, "thinking"):
                yield from self._chunks.think(piece)
        for piece in text_blocks(message) if self._document is None else ():
            yield from self._chunks.add(self._whole_blocks, piece)
            self._whole_blocks += 1
        yield from self._chunks.add_whole_calls(message)

    def _asked(self, event: Event) -> Iterator[AnswerEvent]:
        """Ends an answer whose message came whole, once the CLI asks for the result of a call."""
        if not self._message.is_open and is_tool_call(event):
            yield from self._chunks.end_message()
            yield from self._chunks.end_with_calls()

    def _result(self, event: Event) -> Iterator[AnswerEvent]:
        self._cli_ended = True
        self._note_session(event)
        self._chunks.tokens.end_turn(event)
        ended = self._failures.of_result(
            event, self._message.stop_reason, has_text=bool(self.answer.text)
        )
        if isinstance(ended, GatewayError):
            yield from self._end.give_up(ended)
        else:
            yield from self._end.complete(event, ended)

    def _note_session(self, event: Event) -> None:
        self._chunks.cli_session_id = text(event, "session_id") or self.cli_session_id

    def _begin_message(self, message: Event) -> None:
        if self._message.is_open:  # the last message broke off without an event
            self._abandon(0)
        self._message.begin(message)
        if self._document is not None:
            self._document.begin_message()
        self._chunks.tokens.begin_message(message)
        self._chunks.reasoning.begin_message()
        self._chunks.calls.begin_message()
        self.answer.begin_message(continues=self._message.is_cut)

    def _abandon(self, first_block: int) -> None:
        self._message.is_open = self._message.is_reasoning = False
        self._chunks.abandon(first_block)

    def _shown(self, text: str) -> str:
        shown = self._names.text_filter()
        return shown.feed(text) + shown.flush()

    _HANDLERS: Mapping[str, Callable[["Translator", Event], Iterator[AnswerEvent]]] = (
        MappingProxyType(
            {
                "system": _system,
                "rate_limit_event": _rate_limit,
                "stream_event": _stream_event,
                "assistant": _assistant,
                "result": _result,
                "control_request": _asked,
            }
        )
    )
