"""Renders streamed answers in the format of the OpenAI API."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

from modegate.dialects.chat.response import render_usage
from modegate.dialects.json import encode
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

# Go's `bufio.Scanner` fails on lines longer than 64 KiB; an escaped character has six bytes.
MAX_DELTA_CHARACTERS = 8 * 1024


class ChunkRenderer:
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
        # If usage was requested, all chunks except the usage chunk have a null usage.
        self._tail = (b',"usage":null' if frame.include_usage else b"") + b"}\n\n"

    def render(self, event: AnswerEvent) -> bytes:
        """Returns the chunks of one event; empty if the event has none."""
        match event:
            case TextDelta(text):
                return b"".join([self._choice({"content": part}) for part in _parts(text)])
            case ReasoningDelta(text):
                return b"".join([self._choice({"reasoning_content": it}) for it in _parts(text)])
            case ToolCallStarted() | ToolCallDelta():
                return self._call(event)
            case MessageStarted():
                return self._choice({"role": "assistant", "content": ""})
            case Finished(reason, usage):
                finish = self._choice({}, reason)
                return finish + self._usage(usage) if self._include_usage else finish
            case _:
                return b""

    def _call(self, event: ToolCallStarted | ToolCallDelta) -> bytes:
        calls: list[dict[str, object]]
        if isinstance(event, ToolCallStarted):
            function = {"name": event.name, "arguments": ""}
            calls = [{"id": event.id, "type": "function", "function": function}]
        else:
            calls = [{"function": {"arguments": part}} for part in _parts(event.arguments)]
        return b"".join(
            [self._choice({"tool_calls": [{"index": event.index, **call}]}) for call in calls]
        )

    def _choice(self, delta: Mapping[str, object], reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return b'%b,"choices":[%b]%b' % (self._head, encode(choice), self._tail)

    def _usage(self, usage: Usage) -> bytes:
        return b'%b,"choices":[],"usage":%b}\n\n' % (self._head, encode(render_usage(usage)))


async def render_events(
    frame: AnswerFrame, first: AnswerEvent, rest: AsyncIterator[AnswerEvent]
) -> AsyncGenerator[bytes, None]:
    """Yields the chunks of an answer, without the `[DONE]` at its end."""
    renderer = ChunkRenderer(frame)
    yield renderer.render(first)
    async for event in rest:
        yield renderer.render(event)


def _parts(text: str) -> Sequence[str]:
    if len(text) <= MAX_DELTA_CHARACTERS:
        return (text,)
    starts = range(0, len(text), MAX_DELTA_CHARACTERS)
    return [text[start : start + MAX_DELTA_CHARACTERS] for start in starts]
