"""What a session has said, as the client got it."""

from collections.abc import AsyncGenerator, AsyncIterator

from modegate.domain.answer.events import AnswerEvent
from modegate.domain.answer.heard import HeardAnswer
from modegate.domain.conversation.history import NOTHING_SAID, digest_of
from modegate.domain.turn import Turn


async def noted(
    events: AsyncIterator[AnswerEvent], heard: HeardAnswer
) -> AsyncGenerator[AnswerEvent, None]:
    """Yields the events, and notes each in `heard`."""
    async for event in events:
        heard.note(event)
        yield event


def said_after(turn: Turn, heard: HeardAnswer) -> str:
    """Returns the digest of the session's conversation after a turn; empty if that is uncertain.

    The session forgets a turn that the model refused, unless it is the first one.
    """
    session = turn.session
    if not heard.is_complete:
        return ""
    if turn.resume and heard.is_refused:
        return session.said
    before = session.said if turn.resume else NOTHING_SAID
    return digest_of((*turn.prompt.history, *turn.prompt.turn, heard.message), before)
