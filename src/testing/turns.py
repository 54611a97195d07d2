"""Turns for tests of backends."""

import uuid

from modegate.domain.access.client import ANONYMOUS
from modegate.domain.prompt import Prompt
from modegate.domain.session import Session, SessionId
from modegate.domain.turn import ClaudeTurn


def claude_turn(
    text: str = "Hi",
    *,
    system: str = "",
    cli_model: str = "sonnet",
    session_id: SessionId | None = None,
    resume: bool = False,
) -> ClaudeTurn:
    """Returns a prepared turn: by default the first turn of a new session."""
    session_id = session_id or SessionId(str(uuid.uuid4()))
    session = Session.start(session_id, ANONYMOUS.id, 0.0).with_system_prompt(system)
    return ClaudeTurn(
        completion_id="chatcmpl-1",
        created=1,
        model=cli_model,
        cli_model=cli_model,
        prompt=Prompt(system, text),
        session=session,
        resume=resume,
    )
