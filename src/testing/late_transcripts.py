"""A fake of the port for turns that could not be stored."""

from collections.abc import Sequence
from dataclasses import replace

from modegate.domain.errors import StorageError
from modegate.domain.session import Session, SessionId


class FakeLateTranscripts:
    """Stores the turns in `unstored`: the version of each session's transcript before the turn.

    `fails` is raised in place of storing one.
    """

    def __init__(self) -> None:
        self.unstored: dict[SessionId, str] = {}
        self.fails: StorageError | None = None

    def list_unstored(self) -> Sequence[SessionId]:
        """Returns the sessions in `unstored`."""
        return [*self.unstored]

    async def store_late(self, session_id: SessionId, session: Session | None) -> Session | None:
        """Names the transcript `late`, unless the record has another version than before."""
        if session is None or session.transcript != self.unstored[session_id]:
            del self.unstored[session_id]
            return None
        if self.fails is not None:
            raise self.fails
        return replace(session, transcript="late")
