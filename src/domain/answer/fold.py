"""A complete answer, folded from its events."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from modegate.domain.answer.events import (
    AnswerEvent,
    Finished,
    FinishReason,
    ReasoningDelta,
    Started,
    TextDelta,
)
from modegate.domain.answer.usage import Usage
from modegate.domain.errors.catalogue import backend


@dataclass(frozen=True, slots=True)
class Completion:
    """A complete answer; `reasoning` is empty where the backend shows none.

    `cli_session_id` is the id under which the backend keeps the conversation.
    """

    text: str
    finish_reason: FinishReason
    usage: Usage
    cli_session_id: str | None = None
    reasoning: str = ""


async def fold(events: AsyncIterator[AnswerEvent]) -> Completion:
    """Returns the complete answer.

    Raises:
        BackendCrashedError: the events ended without `Finished`.
    """
    texts: list[str] = []
    thoughts: list[str] = []
    cli_session_id = None
    async for event in events:
        match event:
            case TextDelta(text):
                texts.append(text)
            case ReasoningDelta(text):
                thoughts.append(text)
            case Started(session_id):
                cli_session_id = session_id
            case Finished(reason, usage):
                reasoning = "".join(thoughts)
                return Completion("".join(texts), reason, usage, cli_session_id, reasoning)
            case _:
                pass
    raise backend.ended_early()
