"""A fake of the port for turns that wait for the results of a client's tools."""

from collections.abc import Collection, Sequence

from modegate.domain.access.client import ClientId
from modegate.domain.session import Session, SessionId


class FakeAwaitedCalls:
    """Waits for the calls in `awaited`: their ids by session, and each session's client."""

    def __init__(self) -> None:
        self.awaited: dict[SessionId, tuple[ClientId, frozenset[str]]] = {}

    def is_parked(self, session_id: SessionId) -> bool:
        """Returns whether a turn of the session waits for results."""
        return session_id in self.awaited

    def list_parked(self) -> Sequence[SessionId]:
        """Returns the sessions that wait."""
        return [*self.awaited]

    def end_if_moved(self, session_id: SessionId, session: Session | None) -> bool:
        """Ends the turn of a session that is no more, or has another transcript."""
        if session is not None and not session.transcript:
            return False
        return self.awaited.pop(session_id, None) is not None

    def find(self, client: ClientId, call_ids: Collection[str]) -> SessionId | None:
        """Returns the client's session that waits for one of the calls; None if none does."""
        for session_id, (owner, ids) in self.awaited.items():
            if owner == client and ids & {*call_ids}:
                return session_id
        return None

    async def awaits(self, session: Session, call_ids: Collection[str]) -> bool:
        """Returns whether the session waits for one of the calls."""
        return self.find(session.client, call_ids) == session.id
