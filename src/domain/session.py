"""Sessions: conversations that span several requests."""

import uuid
from dataclasses import field, replace
from hashlib import sha256
from typing import NewType

from modegate.domain.access.client import ClientId
from modegate.domain.errors import InvalidSessionIdError
from modegate.domain.errors.catalogue import sessions
from modegate.lazy_dataclass import dataclass

SessionId = NewType("SessionId", str)

UUID_VERSION = 4


def parse_session_id(text: str) -> SessionId:
    """Returns the id in `X-Claude-Session-ID` in canonical form: lower case with hyphens.

    Raises:
        InvalidSessionIdError: if the text is not a version 4 UUID.
    """
    text = text.strip(" \t")
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        parsed = None
    # uuid.UUID also accepts braces, a "urn:uuid:" prefix and missing hyphens.
    if parsed is None or parsed.version != UUID_VERSION or str(parsed) != text.lower():
        raise sessions.invalid_id()
    return SessionId(str(parsed))


def is_session_id(text: str) -> bool:
    """Returns whether the text is a session id in canonical form."""
    try:
        return parse_session_id(text) == text
    except InvalidSessionIdError:
        return False


def history_key(client: ClientId, said: str, system_prompt: str) -> str:
    """Returns the key of a client's conversation, or an empty one if `said` is unknown."""
    key = f"{client}\n{said}\n{system_prompt}"
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest() if said else ""


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation of one client; times are Unix seconds on a clock that never jumps.

    `cli_session_id` is the CLI's id: initially the public id, later the id that the CLI reports.
    `system_prompt` is that of the last turn; a turn without a system prompt reuses it.
    `turns` counts the acknowledged turns, and `transcript` is the checksum of the stored transcript
    that has them all. It is empty if none is stored, and the conversation is then where it began: of
    gateways that share transcripts, only that one can go on.
    `said` is the digest of what the session has heard and said in these turns (see
    `conversation.history`); empty while that is not certain, for example during a turn.
    `unstored` names the last turn while no transcript with it is stored, and `home` is the gateway
    that has it. Both are empty otherwise.
    """

    id: SessionId
    client: ClientId
    created_at: float
    used_at: float
    cli_session_id: str
    system_prompt: str = field(default="", repr=False)
    turns: int = 0
    transcript: str = ""
    said: str = ""
    unstored: str = ""
    home: str = ""

    @property
    def history(self) -> str:
        """The key by which a request that repeats the conversation finds the session, or empty."""
        return history_key(self.client, self.said, self.system_prompt)

    @classmethod
    def start(cls, session_id: SessionId, client: ClientId, now: float) -> "Session":
        """Returns a session whose first turn starts now."""
        return cls(session_id, client, now, now, session_id)

    def with_system_prompt(self, system_prompt: str) -> "Session":
        """Returns the session with the turn's system prompt; an empty one changes nothing."""
        return replace(self, system_prompt=system_prompt or self.system_prompt)

    def dated(self, shift: float) -> "Session":
        """Returns the session with its times shifted by `shift` seconds, to another clock."""
        return replace(self, created_at=self.created_at + shift, used_at=self.used_at + shift)

    def touched(self, now: float, cli_session_id: str | None) -> "Session":
        """Returns the session in use at `now`; its turn is not acknowledged yet."""
        return replace(self, used_at=now, cli_session_id=cli_session_id or self.cli_session_id)

    def acknowledged(
        self, now: float, cli_session_id: str | None, transcript: str = "", said: str = ""
    ) -> "Session":
        """Returns the session after a turn that ended at `now`, with its stored transcript if any.

        `said` is the digest with this turn.
        """
        touched = self.touched(now, cli_session_id)
        if transcript:
            touched = touched.with_unstored("", "")
        return replace(touched, turns=self.turns + 1, transcript=transcript, said=said)

    def stored_late(self, cli_session_id: str, transcript: str) -> "Session":
        """Returns the session with a transcript of a turn that was acknowledged without one.

        Only a first turn was counted then.
        """
        turns = self.turns if self.turns and not self.transcript else self.turns + 1
        return replace(
            self.with_unstored("", ""),
            cli_session_id=cli_session_id,
            transcript=transcript,
            turns=turns,
            said="",
        )

    def with_unstored(self, turn: str, home: str) -> "Session":
        """Returns the session with the mark that only `home` has its last turn, or without one."""
        return replace(self, unstored=turn, home=home if turn else "")

    def in_turn(self) -> "Session":
        """Returns the session while a turn runs, which may or may not become part of it."""
        return replace(self, said="")


@dataclass(frozen=True, slots=True)
class SessionPolicy:
    """The lifetime of sessions: maximum idle time and maximum age, in seconds."""

    idle: float = 3600.0
    age: float = 86400.0

    def expired(self, session: Session, now: float) -> bool:
        """Returns whether the session exceeds its maximum idle time or its maximum age."""
        return now - session.used_at >= self.idle or now - session.created_at >= self.age
