"""The step that removes secrets from answers."""

from collections.abc import AsyncGenerator, AsyncIterator

from modegate.domain.answer.events import AnswerEvent, Finished, TextDelta
from modegate.domain.secrets.redactor import Redactor


async def redacted(events: AsyncIterator[AnswerEvent]) -> AsyncGenerator[AnswerEvent, None]:
    """Yields the events with redacted text; text that may be part of a secret is held back."""
    redactor = Redactor()
    async for event in events:
        if isinstance(event, TextDelta):
            if text := redactor.feed(event.text):
                yield TextDelta(text)
            continue
        if isinstance(event, Finished) and (text := redactor.flush()):
            yield TextDelta(text)
        yield event
