"""Renders streamed answers in the format of OpenAI's Responses API."""

from collections.abc import Iterator

from modegate.dialects.blocks import BlockEnded, BlockPiece, Blocks, BlockStarted
from modegate.dialects.dialect import ErrorFacts
from modegate.dialects.responses.items import ItemEvents, Numbered
from modegate.dialects.responses.response import INCOMPLETE, Object, response_of, usage_of
from modegate.dialects.responses.tools import by_flat_name, declared_tools
from modegate.dialects.sse import KEEP_ALIVE
from modegate.domain.answer.events import AnswerEvent, Finished, ReasoningDelta, ReasoningSigned
from modegate.domain.answer.frame import AnswerFrame

TOO_MANY = 429


class ResponseEvents:
    """Renders the events of one answer, from `response.created` to exactly one last event.

    Many clients close the connection at the last event, so it is the end of the stream.
    """

    keep_alive = KEEP_ALIVE

    def __init__(self, frame: AnswerFrame, numbered: Numbered | None = None) -> None:
        self._frame = frame
        self._blocks = Blocks()
        self._numbered = numbered or Numbered()
        declared = by_flat_name(declared_tools(frame.echoed.get("tools")))
        self._items = ItemEvents(frame, self._numbered, declared)
        self._has_begun = False
        self._last = ""
        self.response: Object | None = None  # once it is complete

    def render(self, event: AnswerEvent) -> bytes:
        """Returns the events of one event; the first one begins the response."""
        return b"".join(self.pieces(event))

    def pieces(self, event: AnswerEvent) -> Iterator[bytes]:
        """Yields these events; at its end, an item repeats its text three times."""
        yield from self._begin()
        is_reasoning = isinstance(event, ReasoningDelta | ReasoningSigned)
        if is_reasoning and not self._frame.shows_reasoning:
            return
        if isinstance(event, Finished):
            yield from self._finish(event)
            return
        for it in self._blocks.feed(event):
            yield from self._block(it, "completed")

    def cut(self, error: ErrorFacts) -> bytes:
        """Returns `response.failed`, unless the response is complete."""
        if self.response is not None:
            return b""
        code = "rate_limit_exceeded" if error.status == TOO_MANY else "server_error"
        failed = response_of(self._frame, "failed", self._items.done)
        failed["error"] = {"code": code, "message": error.message}
        begun = b"".join(self._begin())
        self.response = failed
        return begun + self._numbered.event("response.failed", response=failed)

    def end(self) -> bytes:
        """Returns the last event; empty after a cut, which has its own."""
        last, self._last = self._last, ""
        return self._numbered.event(last, response=self.response) if last else b""

    def _begin(self) -> Iterator[bytes]:
        if not self._has_begun:
            self._has_begun = True
            started = response_of(self._frame, "in_progress")
            yield self._numbered.event("response.created", response=started)
            yield self._numbered.event("response.in_progress", response=started)

    def _block(self, event: BlockStarted | BlockPiece | BlockEnded, status: str) -> Iterator[bytes]:
        match event:
            case BlockStarted():
                return self._items.start(event)
            case BlockPiece():
                return self._items.add(event)
            case BlockEnded():
                return self._items.finish(event, status)

    def _finish(self, event: Finished) -> Iterator[bytes]:
        reason = INCOMPLETE.get(event.finish_reason)
        status = "completed" if reason is None else "incomplete"
        for it in self._blocks.finish():
            yield from self._block(it, status)
        response = response_of(self._frame, status, self._items.done)
        if reason is not None:
            response["incomplete_details"] = {"reason": reason}
        response["usage"] = usage_of(event.usage)
        self.response = response
        self._last = f"response.{status}"
