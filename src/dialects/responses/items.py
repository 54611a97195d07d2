"""The events of the items of a response."""

from collections.abc import Iterator, Mapping

from modegate.dialects.blocks import BlockEnded, BlockKind, BlockPiece, BlockStarted
from modegate.dialects.json import encode
from modegate.dialects.pieces import in_pieces
from modegate.dialects.responses.response import (
    ITEM_PREFIXES,
    Object,
    call_of,
    input_of,
    is_custom,
    message_of,
    reasoning_of,
    text_part,
)
from modegate.dialects.responses.tools import DeclaredTool
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.answer.growing_text import GrowingText
from modegate.domain.conversation.message import ToolCall


class Numbered:
    """Numbers the events of one stream."""

    def __init__(self) -> None:
        self._next = 0

    def event(self, kind: str, **fields: object) -> bytes:
        """Returns the next event."""
        data = {"type": kind, "sequence_number": self._next, **fields}
        self._next += 1
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), encode(data))


class Unwritten(Numbered):
    """Writes no events, where only the complete response is of interest."""

    def event(self, kind: str, **fields: object) -> bytes:  # noqa: ARG002 - nothing is written
        """Returns nothing."""
        return b""


class ItemEvents:
    """Renders blocks as items, one after the other; `done` are the complete ones."""

    def __init__(
        self, frame: AnswerFrame, numbered: Numbered, declared: Mapping[str, DeclaredTool]
    ) -> None:
        self._frame = frame
        self._numbered = numbered
        self._declared = declared
        # One text, because many small pieces need several times its memory.
        self._text = GrowingText()
        self._place: Object = {}
        self.done: list[Object] = []

    def start(self, event: BlockStarted) -> Iterator[bytes]:
        """Yields the events of an item that begins."""
        item = self._item(event, "", "in_progress")
        self._text = GrowingText()
        self._place = {"item_id": item["id"], "output_index": event.index}
        yield self._event("output_item.added", item=item, output_index=event.index)
        if event.kind is BlockKind.TEXT:
            yield self._part("content_part.added", content_index=0, part=text_part(""))

    def add(self, event: BlockPiece) -> Iterator[bytes]:
        """Yields the events of a piece; the text of a custom tool is told at its end."""
        if event.kind is BlockKind.REASONING and not self._text:
            part: Object = {"type": "summary_text", "text": ""}
            yield self._part("reasoning_summary_part.added", summary_index=0, part=part)
        if event.kind is not BlockKind.CALL:  # at its end, a call has its arguments
            self._text.add(event.text)
        if event.kind is BlockKind.REASONING:
            yield self._part("reasoning_summary_text.delta", summary_index=0, delta=event.text)
        elif event.kind is BlockKind.TEXT:
            yield self._part("output_text.delta", content_index=0, delta=event.text, logprobs=[])
        elif not str(self._place["item_id"]).startswith(ITEM_PREFIXES["custom_tool_call"]):
            yield self._part("function_call_arguments.delta", delta=event.text)

    def finish(self, event: BlockEnded, status: str) -> Iterator[bytes]:
        """Yields the events of an item that ends."""
        text = self._text.text
        item = self._item(event, text, status)
        if event.call is not None:
            yield from self._end_of_call(event.call)
        elif event.kind is BlockKind.TEXT:
            yield self._part("output_text.done", content_index=0, text=text, logprobs=[])
            yield self._part("content_part.done", content_index=0, part=text_part(text))
        elif text:
            part: Object = {"type": "summary_text", "text": text}
            yield self._part("reasoning_summary_text.done", summary_index=0, text=text)
            yield self._part("reasoning_summary_part.done", summary_index=0, part=part)
        yield self._event("output_item.done", item=item, output_index=event.index)
        self.done.append(item)

    def _end_of_call(self, call: ToolCall) -> Iterator[bytes]:
        declared = self._declared.get(call.name)
        if not is_custom(declared):
            name = declared.name if declared else call.name
            arguments = call.arguments
            yield self._part("function_call_arguments.done", name=name, arguments=arguments)
            return
        text = input_of(call.arguments)
        for piece in filter(None, in_pieces(text)):
            yield self._part("custom_tool_call_input.delta", delta=piece)
        yield self._part("custom_tool_call_input.done", input=text)

    def _item(self, event: BlockStarted | BlockEnded, text: str, status: str) -> Object:
        if event.kind is BlockKind.REASONING:
            sealed = event.sealed if isinstance(event, BlockEnded) else ""
            return reasoning_of(self._id("reasoning", event.index), text, sealed)
        if event.call is None:
            return message_of(self._id("message", event.index), text, status)
        declared = self._declared.get(event.call.name)
        kind = "custom_tool_call" if is_custom(declared) else "function_call"
        return call_of(event.call, declared, self._id(kind, event.index), status)

    def _id(self, kind: str, index: int) -> str:
        return f"{self._frame.id_with(ITEM_PREFIXES[kind])}_{index}"

    def _part(self, kind: str, **fields: object) -> bytes:
        return self._event(kind, **self._place, **fields)

    def _event(self, kind: str, **fields: object) -> bytes:
        return self._numbered.event(f"response.{kind}", **fields)
