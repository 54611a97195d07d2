"""A conversation that outlives its requests."""

import uuid
from dataclasses import dataclass, field, replace
from typing import NewType

from modegate.domain.client import ClientId
from modegate.domain.errors import InvalidSessionIdError

SessionId = NewType("SessionId", str)

UUID_VERSION = 4


def parse_session_id(text: str) -> SessionId:
    """The id in `X-Claude-Session-ID`, in its usual form: lower case, with hyphens.

    Raises:
        InvalidSessionIdError: it is not a UUID of version 4.
    """
    text = text.strip(" \t")
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        parsed = None
    # uuid.UUID also takes braces, "urn:uuid:" and no hyphens at all.
    if parsed is None or parsed.version != UUID_VERSION or str(parsed) != text.lower():
        raise InvalidSessionIdError(
            "X-Claude-Session-ID must be a UUID of version 4, as an earlier answer's header gave "
            "it; leave it out and send X-Claude-Code: true to begin a new session.",
            param="X-Claude-Session-ID",
        )
    return SessionId(str(parsed))


def is_session_id(text: str) -> bool:
    """Whether it is one, in its usual form."""
    try:
        return parse_session_id(text) == text
    except InvalidSessionIdError:
        return False


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation of one client; times are Unix seconds on a clock that never jumps.

    `cli_session_id` is what the CLI calls it: at first the public id, later whatever the CLI says.
    `system_prompt` is that of the last turn, for a turn that brings none.
    """

    id: SessionId
    client: ClientId
    created_at: float
    used_at: float
    cli_session_id: str
    system_prompt: str = field(default="", repr=False)

    @classmethod
    def start(cls, session_id: SessionId, client: ClientId, now: float) -> "Session":
        """A session whose first turn begins now."""
        return cls(session_id, client, now, now, session_id)

    def instructed(self, system_prompt: str) -> "Session":
        """The session with a turn's system prompt, or its own where the turn has none."""
        return replace(self, system_prompt=system_prompt or self.system_prompt)

    def dated(self, shift: float) -> "Session":
        """The session with its times on another clock, `shift` seconds later."""
        return replace(self, created_at=self.created_at + shift, used_at=self.used_at + shift)

    def used(self, now: float, cli_session_id: str | None) -> "Session":
        """The session after a turn."""
        return replace(self, used_at=now, cli_session_id=cli_session_id or self.cli_session_id)


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """How long sessions live, in seconds."""

    idle: float = 3600.0
    age: float = 86400.0

    def expired(self, session: Session, now: float) -> bool:
        """Whether the session has been idle for too long, or is too old however busy."""
        return now - session.used_at >= self.idle or now - session.created_at >= self.age
