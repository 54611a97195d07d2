"""A fake of the port for turns that could not be stored."""

from collections.abc import Sequence

from modegate.domain.errors import StorageError
from modegate.domain.session import Session, SessionId


class FakeLateTranscripts:
    """Stores the turns in `unstored`: the version of each session's transcript before the turn.

    `turns` are those that are here, by the names in records, and `given_up` those that sessions went
    on without. `fails` is raised in place of storing one.
    """

    def __init__(self) -> None:
        self.unstored: dict[SessionId, str] = {}
        self.turns: set[str] = set()
        self.given_up: list[str] = []
        self.fails: StorageError | None = None

    def list_unstored(self) -> Sequence[SessionId]:
        """Returns the sessions in `unstored`."""
        return [*self.unstored]

    async def has_unstored(self, session: Session) -> bool:
        """Returns whether the session's last turn is one of `turns`."""
        return session.unstored in self.turns

    def give_up(self, session: Session) -> None:
        """Notes the turn in `given_up`."""
        self.given_up.append(session.unstored)

    async def store_late(self, session_id: SessionId, session: Session | None) -> Session | None:
        """Names the transcript `late`, unless the record has another version than before."""
        if session is None or session.transcript != self.unstored[session_id]:
            del self.unstored[session_id]
            return None
        if self.fails is not None:
            raise self.fails
        return session.stored_late(session.cli_session_id, "late")
