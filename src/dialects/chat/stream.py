"""Renders streamed answers in the format of the OpenAI API."""

from collections.abc import Mapping, Sequence

from modegate.dialects.chat.calls import CallRenderer, finish_reason_of
from modegate.dialects.chat.errors import error_object
from modegate.dialects.chat.response import render_usage
from modegate.dialects.dialect import ErrorFacts
from modegate.dialects.json import encode
from modegate.dialects.pieces import in_pieces
from modegate.dialects.sse import DONE, KEEP_ALIVE, event
from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    MessageStarted,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.usage import Usage
from modegate.domain.errors import StreamCutError


class ChunkFormat:
    """The parts of a stream of chunks that are no chunks; also of one that is relayed."""

    keep_alive = KEEP_ALIVE

    def cut(self, error: ErrorFacts) -> bytes:
        """Returns an error event."""
        return event(error_object(error.message, error.kind, StreamCutError.code))

    def end(self) -> bytes:
        """Returns the event that ends every stream."""
        return DONE


class ChunkRenderer(ChunkFormat):
    """Renders the events of one answer; the common part of all chunks is rendered once."""

    def __init__(self, frame: AnswerFrame) -> None:
        head = {
            "id": frame.completion_id,
            "object": "chat.completion.chunk",
            "created": frame.created,
            "model": frame.model,
        }
        self._head = b"data: " + encode(head)[:-1]
        self._include_usage = frame.include_usage
        self._tools = frame.tools
        self._calls = CallRenderer(frame.tools)
        # If usage was requested, all chunks except the usage chunk have a null usage.
        self._tail = (b',"usage":null' if frame.include_usage else b"") + b"}\n\n"

    def render(self, event: AnswerEvent) -> bytes:
        """Returns the chunks of one event; empty if the event has none."""
        match event:
            case TextDelta(text):
                return b"".join([self._choice({"content": part}) for part in in_pieces(text)])
            case ReasoningDelta(text):
                return b"".join([self._choice({"reasoning_content": it}) for it in in_pieces(text)])
            case ToolCallStarted() | ToolCallDelta():
                return b"".join(map(self._choice, self._calls.render(event)))
            case MessageStarted():
                return self._choice({"role": "assistant", "content": ""})
            case Finished(reason, usage):
                calls = b"".join(map(self._choice, self._calls.end()))
                finish = calls + self._choice({}, finish_reason_of(reason, self._tools))
                return finish + self._usage(usage) if self._include_usage else finish
            case _:
                return b""

    def pieces(self, event: AnswerEvent) -> Sequence[bytes]:
        """Returns the chunks of one event."""
        return (self.render(event),)

    def _choice(self, delta: Mapping[str, object], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return b'%b,"choices":[%b]%b' % (self._head, encode(choice), self._tail)

    def _usage(self, usage: Usage) -> bytes:
        return b'%b,"choices":[],"usage":%b}\n\n' % (self._head, encode(render_usage(usage)))
