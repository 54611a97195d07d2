"""Renders streamed answers in the format of Anthropic's Messages API."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from modegate.dialects.blocks import (
    BlockEnded,
    BlockEvent,
    BlockKind,
    BlockPiece,
    Blocks,
    BlockStarted,
)
from modegate.dialects.dialect import ErrorFacts
from modegate.dialects.json import encode
from modegate.dialects.messages.errors import error_event
from modegate.dialects.messages.response import (
    message_head,
    render_usage,
    stop_of,
)
from modegate.domain.answer.events import AnswerEvent, Finished, ReasoningDelta, ReasoningSigned
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.usage import Usage

# By kind, the type of its deltas and the field of them.
DELTAS: Mapping[BlockKind, tuple[str, str]] = MappingProxyType(
    {
        BlockKind.REASONING: ("thinking_delta", "thinking"),
        BlockKind.TEXT: ("text_delta", "text"),
        BlockKind.CALL: ("input_json_delta", "partial_json"),
    }
)


class MessageEvents:
    """Renders the events of one answer: `message_start`, its blocks, and `message_stop`.

    Many clients close the connection at `message_stop`, so it is the end of the stream.
    """

    def __init__(self, frame: AnswerFrame) -> None:
        self._frame = frame
        self._blocks = Blocks()
        self._has_begun = self._is_complete = False
        self._last = b""

    @property
    def keep_alive(self) -> bytes:
        """A `ping`."""
        return _event("ping", {})

    def render(self, event: AnswerEvent) -> bytes:
        """Returns the events of one event; the first one begins the message."""
        begun = b"" if self._has_begun else self._start()
        if self._hides(event):
            return begun
        if isinstance(event, Finished):
            return begun + self._finish(event)
        return begun + b"".join([_block_event(it) for it in self._blocks.feed(event)])

    def pieces(self, event: AnswerEvent) -> Sequence[bytes]:
        """Returns the events of one event."""
        return (self.render(event),)

    def cut(self, error: ErrorFacts) -> bytes:
        """Returns an `error` event; it is the last one."""
        if self._is_complete:
            return b""
        return error_event(error)

    def end(self) -> bytes:
        """Returns the last events; empty after a cut, which has its own."""
        last, self._last = self._last, b""
        return last

    def _hides(self, event: AnswerEvent) -> bool:
        """Returns whether the client does not get a thought: it hides all, or the API hides this."""
        is_redacted = isinstance(event, ReasoningSigned) and event.is_redacted
        is_thought = isinstance(event, ReasoningDelta | ReasoningSigned)
        return is_redacted or (is_thought and not self._frame.shows_reasoning)

    def _start(self) -> bytes:
        self._has_begun = True
        # Clients show the usage at once; some divide by it.
        usage = render_usage(Usage(max(1, self._frame.prompt_tokens), 1))
        return _event("message_start", {"message": message_head(self._frame) | {"usage": usage}})

    def _finish(self, event: Finished) -> bytes:
        self._is_complete = True
        ends = [_block_event(it) for it in self._blocks.finish()]
        delta = stop_of(event.finish_reason, event.stop_text)
        stop = _event("message_delta", {"delta": delta, "usage": render_usage(event.usage)})
        self._last = stop + _event("message_stop", {})
        return b"".join(ends)


def _block_event(event: BlockEvent) -> bytes:
    match event:
        case BlockStarted(index):
            block = {"index": index, "content_block": _empty_block(event)}
            return _event("content_block_start", block)
        case BlockPiece(index, kind, text):
            name, field = DELTAS[kind]
            delta = {"type": name, field: text}
            return _event("content_block_delta", {"index": index, "delta": delta})
        case BlockEnded(index, _, _, signature, _):
            delta = {"type": "signature_delta", "signature": signature}
            signed = _event("content_block_delta", {"index": index, "delta": delta})
            stop = _event("content_block_stop", {"index": index})
            return signed + stop if signature else stop


def _empty_block(event: BlockStarted) -> dict[str, object]:
    if event.call is not None:
        call = {"id": event.call.id, "name": event.call.name, "input": {}}
        return {"type": "tool_use", **call}
    if event.kind is BlockKind.REASONING:
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {"type": "text", "text": ""}


def _event(name: str, data: Mapping[str, object]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), encode({"type": name, **data}))
