"""Translates the CLI's events to chunks, without I/O."""

from collections.abc import Iterator

from modegate.adapters.claude_cli.protocol.answer_calls import NoTools, ToolNames
from modegate.adapters.claude_cli.protocol.answer_end import AnswerEnd
from modegate.adapters.claude_cli.protocol.answer_events import AnswerChunks
from modegate.adapters.claude_cli.protocol.answer_status import AnswerStatus
from modegate.adapters.claude_cli.protocol.answer_text import AnswerText
from modegate.adapters.claude_cli.protocol.document import Document
from modegate.adapters.claude_cli.protocol.events import Event, child, is_tool_call
from modegate.adapters.claude_cli.protocol.failures.reports import FailureReports, is_unauthorized
from modegate.adapters.claude_cli.protocol.failures.retry_wait import Patience
from modegate.adapters.claude_cli.protocol.message_events import MessageEvents
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
        self._chunks = AnswerChunks(handed_out=handed_out, names=names)
        self._message = MessageState()
        self._end = AnswerEnd(
            self._message,
            self._chunks,
            cuts_at_limit=cuts_at_limit,
            has_own_limit=has_own_limit,
            document=document,
        )
        self._events = MessageEvents(
            self._message, self._chunks, self._end, document, shows_reasoning=shows_reasoning
        )
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
        # A subagent's events name the tool call that started it; they are not part of the answer.
        if self.finished or event.get("parent_tool_use_id") is not None:
            return
        match event.get("type"):
            case "stream_event":
                yield from self._events.streamed(event)
            case "assistant":
                yield from self._assistant(event)
            case "control_request":
                yield from self._asked(event)
            case "result":
                yield from self._result(event)
            case "rate_limit_event":
                self._failures.note_limit(event)
            case "system":
                yield from self._system(event)

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
            self._events.abandon()
        if error := self._failures.of_retry(event):
            yield from self._end.give_up(error)

    def _assistant(self, event: Event) -> Iterator[AnswerEvent]:
        message = child(event, "message")
        if event.get("is_api_error_message") or message.get("model") == "<synthetic>":
            if error := self._failures.of_message(event):
                yield from self._end.give_up(error)
        else:
            yield from self._events.whole(event)

    def _asked(self, event: Event) -> Iterator[AnswerEvent]:
        """Ends an answer whose message came whole, once the CLI asks for the result of a call."""
        if not self._message.is_open and is_tool_call(event):
            yield from self._chunks.end_message()
            yield from self._chunks.end_with_calls()

    def _result(self, event: Event) -> Iterator[AnswerEvent]:
        self._cli_ended = True
        self._events.note_session(event)
        self._chunks.tokens.end_turn(event)
        ended = self._failures.of_result(
            event, self._message.stop_reason, has_text=bool(self.answer.text)
        )
        if isinstance(ended, GatewayError):
            yield from self._end.give_up(ended)
        else:
            yield from self._end.complete(event, ended)

    def _shown(self, text: str) -> str:
        shown = self._names.text_filter()
        return shown.feed(text) + shown.flush()
