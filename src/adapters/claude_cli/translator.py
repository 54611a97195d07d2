"""From the CLI's events to chunks, without I/O."""

import time
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from modegate.adapters.claude_cli import failures
from modegate.adapters.claude_cli.answer_text import AnswerText
from modegate.adapters.claude_cli.events import Event, child, count, number, text, text_blocks
from modegate.domain.characters import whole
from modegate.domain.completion import (
    Finished,
    FinishReason,
    Started,
    TextDelta,
    TextStarted,
    Usage,
)
from modegate.domain.errors import EmptyResponseError

AnswerChunk = Started | TextStarted | TextDelta | Finished

FINISH_REASONS: Mapping[str, FinishReason] = MappingProxyType(
    {
        "end_turn": FinishReason.STOP,
        "stop_sequence": FinishReason.STOP,
        "max_tokens": FinishReason.LENGTH,
        "refusal": FinishReason.CONTENT_FILTER,
    }
)
UNAUTHORIZED = 401
CHARACTERS_A_TOKEN = 4


class Translator:
    """Fed one event at a time; gives the chunks that it makes.

    With `handed_out` False the chunks are not sent as they come: text may then be taken back, and
    only `answer.text` and the last chunk count.
    """

    def __init__(self, *, handed_out: bool = True) -> None:
        self.answer = AnswerText(handed_out=handed_out)
        self._handed_out = handed_out
        self.cli_session_id: str | None = None
        self.finished = False
        self._started = False
        self._text_started = False
        self._message_open = False
        self._streamed: set[str] = set()  # ids of messages whose text came, or comes, as deltas
        self._whole: str | None = None  # the id of a message that came without deltas
        self._whole_blocks = 0
        self._half = ""  # the first half of a character that was split over two pieces
        self._stop_reason: str | None = None
        self._output_tokens = 0
        self._error_name: str | None = None
        self._retry_after: float | None = None

    @property
    def counts(self) -> bool:
        """Whether a client has had something of the turn, or will."""
        return self.finished or (self._handed_out and self._started)

    def feed(self, event: Event) -> Iterator[AnswerChunk]:
        """The chunks of one event.

        Raises:
            GatewayError: the turn failed.
        """
        handler = self._HANDLERS.get(str(event.get("type")))
        # Events of a subagent carry the tool call that began it; they are no part of the answer.
        if handler and not self.finished and event.get("parent_tool_use_id") is None:
            yield from handler(self, event)

    def _system(self, event: Event) -> Iterator[AnswerChunk]:
        if event.get("subtype") != "api_retry":
            return
        if event.get("error_status") == UNAUTHORIZED:
            raise failures.auth_failed()
        self._error_name = text(event, "error")
        self._retry_after = number(event, "retry_delay_ms") / 1000 or None
        if self._message_open:
            self._abandon(0)
        yield from ()

    def _stream_event(self, event: Event) -> Iterator[AnswerChunk]:
        inner = child(event, "event")
        match inner.get("type"):
            case "message_start":
                self._begin_message(inner)
            case "content_block_start":
                yield from self._start(event)
                if child(inner, "content_block").get("type") == "text":
                    yield from self._start_text()
            case "content_block_delta":
                delta = child(inner, "delta")
                if delta.get("type") == "text_delta" and (piece := text(delta, "text")):
                    yield from self._add(count(inner, "index"), piece)
            case "message_delta":
                self._stop_reason = text(child(inner, "delta"), "stop_reason")
                self._output_tokens += count(child(inner, "usage"), "output_tokens")
                self._message_open = False
            case "message_stop":
                if "abandoned_blocks" in event:
                    self._abandon(count(child(event, "abandoned_blocks"), "from_block_index"))
                else:
                    yield from self._deliver(self.answer.end_message())

    def _assistant(self, event: Event) -> Iterator[AnswerChunk]:
        message = child(event, "message")
        if event.get("is_api_error_message") or message.get("model") == "<synthetic>":
            self._error_name = text(event, "error") or self._error_name
            # Said at once, for the CLI may go on trying; with a 403, which has this name too, it ends.
            if self._error_name == "authentication_failed" and not any(
                "403" in said for said in text_blocks(message)
            ):
                raise failures.auth_failed()
            return
        message_id = text(message, "id") or ""
        if message_id in self._streamed:
            return
        yield from self._start(event)
        if message_id != self._whole:
            self._whole, self._whole_blocks = message_id, 0
            self.answer.begin_message()
        for piece in text_blocks(message):
            yield from self._add(self._whole_blocks, piece)
            self._whole_blocks += 1

    def _result(self, event: Event) -> Iterator[AnswerChunk]:
        if event.get("is_error") is not False or event.get("subtype") != "success":
            raise failures.from_result(event, self._error_name, self._retry_after, time.time())
        new = self.answer.finish()
        if not self.answer.text:  # nothing came as it was said: the result may hold it
            new = self.answer.add(0, text(event, "result") or "")
        if not self.answer.text:
            raise EmptyResponseError("Claude answered without a word: rephrase, and send it again.")
        yield from self._start(event)
        yield from self._deliver(new)
        self.finished = True
        reason = self._stop_reason or text(event, "stop_reason") or ""
        yield Finished(FINISH_REASONS.get(reason, FinishReason.STOP), self._usage(event))

    def _start(self, event: Event) -> Iterator[AnswerChunk]:
        self.cli_session_id = text(event, "session_id") or self.cli_session_id
        if not self._started:
            self._started = True
            yield Started(self.cli_session_id)

    def _start_text(self) -> Iterator[AnswerChunk]:
        if not self._text_started:
            self._text_started = True
            yield TextStarted()

    def _begin_message(self, inner: Event) -> None:
        if self._message_open:  # the last one never ended, and nobody said so
            self._abandon(0)
        self._message_open = True
        self._streamed.add(text(child(inner, "message"), "id") or "")
        self.answer.begin_message()

    def _abandon(self, first_block: int) -> None:
        self._message_open = False
        self.answer.abandon(first_block)

    def _add(self, block: int, piece: str) -> Iterator[AnswerChunk]:
        yield from self._deliver(self.answer.add(block, piece))

    def _deliver(self, new: str) -> Iterator[AnswerChunk]:
        piece = self._half + new
        self._half = piece[-1:] if "\ud800" <= piece[-1:] <= "\udbff" else ""
        if told := piece.removesuffix(self._half):
            yield from self._start_text()
            yield TextDelta(whole(told))

    def _usage(self, event: Event) -> Usage:
        usage = child(event, "usage")
        cached = count(usage, "cache_read_input_tokens")
        reported = count(usage, "output_tokens") or self._output_tokens
        return Usage(
            prompt_tokens=count(usage, "input_tokens")
            + cached
            + count(usage, "cache_creation_input_tokens"),
            completion_tokens=reported or max(1, len(self.answer.text) // CHARACTERS_A_TOKEN),
            cached_tokens=cached,
            estimated=not reported,
        )

    _HANDLERS: Mapping[str, Callable[["Translator", Event], Iterator[AnswerChunk]]] = (
        MappingProxyType(
            {
                "system": _system,
                "stream_event": _stream_event,
                "assistant": _assistant,
                "result": _result,
            }
        )
    )
