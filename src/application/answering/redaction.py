"""The step that removes secrets from answers."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator

from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
)
from modegate.domain.secrets.redactor import Redactor


async def redacted(
    events: AsyncIterator[AnswerEvent], *, arguments: bool = False
) -> AsyncGenerator[AnswerEvent, None]:
    """Yields the events with redacted texts; text that may be part of a secret is held back.

    The arguments of calls are redacted only with `arguments`: a tool may need what the client gave.
    """
    redaction = _Redaction(arguments=arguments)
    async for event in events:
        for shown in redaction.redact(event):
            yield shown


class _Redaction:
    """Redacts the texts of one answer: its text, each run of reasoning, and each call."""

    def __init__(self, *, arguments: bool) -> None:
        self._text = Redactor()
        self._reasoning: Redactor | None = None  # while the model reasons
        self._redacts_calls = arguments
        self._calls: dict[int, Redactor] = {}

    def redact(self, event: AnswerEvent) -> Iterator[AnswerEvent]:
        """Yields what can be shown after the event."""
        match event:
            case ReasoningDelta(text):
                self._reasoning = self._reasoning or Redactor()
                if shown := self._reasoning.feed(text):
                    yield ReasoningDelta(shown)
                return
            case TextDelta(text):
                yield from self._end_reasoning()
                if shown := self._text.feed(text):
                    yield TextDelta(shown)
                return
            case ToolCallDelta(index, arguments) if self._redacts_calls:
                if shown := self._calls.setdefault(index, Redactor()).feed(arguments):
                    yield ToolCallDelta(index, shown)
                return
            case ToolCallStarted() | Finished():
                yield from self._end()
            case _:
                yield from self._end_reasoning()
        yield event

    def _end(self) -> Iterator[AnswerEvent]:
        """Ends all texts, so that none is told after the next call has begun."""
        yield from self._end_reasoning()
        if shown := self._text.flush():
            yield TextDelta(shown)
        self._text = Redactor()
        for index, redactor in self._calls.items():
            if shown := redactor.flush():
                yield ToolCallDelta(index, shown)
        self._calls.clear()

    def _end_reasoning(self) -> Iterator[AnswerEvent]:
        if self._reasoning is not None and (shown := self._reasoning.flush()):
            yield ReasoningDelta(shown)
        self._reasoning = None
