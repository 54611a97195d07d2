"""The use case that lists and ends a client's sessions."""

from collections.abc import Sequence

from modegate.application.ports.awaited_calls import AwaitedCalls
from modegate.application.ports.transcript_store import TranscriptStore
from modegate.application.sessions.registry import SessionRegistry
from modegate.domain.access.client import ClientId
from modegate.domain.errors import GatewayError
from modegate.domain.session import Session
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageSessions:
    """Lists, shows and ends a client's sessions; converts their times to the time of day.

    Sessions of other clients are treated as unknown.
    """

    sessions: SessionRegistry
    transcripts: TranscriptStore
    calls: AwaitedCalls

    def is_parked(self, session: Session) -> bool:
        """Returns whether a turn of the session waits for the results of the client's tools."""
        return self.calls.is_parked(session.id)

    async def list(self, client: ClientId) -> Sequence[Session]:
        """Returns the client's sessions that have not expired, most recently used first."""
        return [self._shown(session) for session in await self.sessions.list_active(client)]

    async def get(self, session_id: str, client: ClientId) -> Session:
        """Returns one of the client's sessions.

        Raises:
            InvalidSessionIdError: if `session_id` is not a session id.
            SessionNotFoundError: if the session is unknown, expired, or another client's.
        """
        return self._shown(await self.sessions.get_owned(session_id, client))

    async def end(self, session_id: str, client: ClientId) -> Session:
        """Deletes one of the client's sessions and its transcript.

        Raises:
            InvalidSessionIdError: if `session_id` is not a session id.
            SessionNotFoundError: if the session is unknown, expired, or another client's.
            SessionBusyError: if a request is using the session.
            StorageError: if the session cannot be deleted; it then stays, and can be deleted later.
        """
        async with self.sessions.hold(session_id, client) as session:
            # The transcript first: it gives a full disk the room that the store needs.
            try:
                await self.transcripts.delete(session.id)
            except GatewayError:
                raise
            except BaseException:  # a client that disconnected does not stop the deletion
                await self.sessions.store.remove(session.id)
                raise
            await self.sessions.store.remove(session.id)
            return session

    def _shown(self, session: Session) -> Session:
        clock = self.sessions.clock
        return session.dated(round(clock.time_of_day() - clock.now()))
