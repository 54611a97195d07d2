"""The step that records an answer's usage and failure."""

from collections.abc import AsyncGenerator, AsyncIterator

from modegate.domain.answer.events import AnswerEvent, Finished
from modegate.domain.request_record import RequestRecord


async def metered(
    events: AsyncIterator[AnswerEvent], record: RequestRecord
) -> AsyncGenerator[AnswerEvent, None]:
    """Yields the events, and records the usage of the last one."""
    async for event in events:
        if isinstance(event, Finished):
            record.add_usage(event.usage)
        yield event
