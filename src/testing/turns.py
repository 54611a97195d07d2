"""Turns for tests of backends."""

import uuid

from modegate.domain.access.client import ANONYMOUS
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.session import Session, SessionId
from modegate.domain.turn import Turn


def answer_turn(  # noqa: PLR0913
    text: str = "Hi",
    *,
    system: str = "",
    cli_model: str = "sonnet",
    session_id: SessionId | None = None,
    resume: bool = False,
    streamed: bool = False,
) -> Turn:
    """A turn as a backend gets it: the first of a session of its own, or one that resumes."""
    session_id = session_id or SessionId(str(uuid.uuid4()))
    session = Session.start(session_id, ANONYMOUS.id, 0.0).with_system_prompt(system)
    return Turn(
        cli_model=cli_model,
        prompt=Prompt.of_text(text, system),
        session=session,
        resume=resume,
        streamed=streamed,
    )
