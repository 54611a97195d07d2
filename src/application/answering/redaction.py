"""The step that removes secrets from answers."""

from collections.abc import AsyncGenerator, AsyncIterator

from modegate.domain.answer.events import AnswerEvent, Finished, ReasoningDelta, TextDelta
from modegate.domain.secrets.redactor import Redactor


async def redacted(events: AsyncIterator[AnswerEvent]) -> AsyncGenerator[AnswerEvent, None]:
    """Yields the events with redacted texts; text that may be part of a secret is held back."""
    text = Redactor()
    reasoning: Redactor | None = None  # while the model reasons
    async for event in events:
        if isinstance(event, ReasoningDelta):
            reasoning = reasoning or Redactor()
            if shown := reasoning.feed(event.text):
                yield ReasoningDelta(shown)
            continue
        if reasoning is not None:
            if shown := reasoning.flush():
                yield ReasoningDelta(shown)
            reasoning = None
        if isinstance(event, TextDelta):
            if shown := text.feed(event.text):
                yield TextDelta(shown)
            continue
        if isinstance(event, Finished) and (shown := text.flush()):
            yield TextDelta(shown)
        yield event
