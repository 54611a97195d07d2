"""A client's own sessions."""

from collections.abc import Sequence
from dataclasses import dataclass

from modegate.application.ports.transcript_store import TranscriptStore
from modegate.application.sessions.registry import SessionRegistry
from modegate.domain.access.client import ClientId
from modegate.domain.errors import StorageError
from modegate.domain.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageSessions:
    """Shows and ends them; other clients' do not exist. Their times are shown as times of day."""

    sessions: SessionRegistry
    transcripts: TranscriptStore

    async def list(self, client: ClientId) -> Sequence[Session]:
        """Those that are not expired, the latest used first."""
        return [self._shown(session) for session in await self.sessions.list_active(client)]

    async def get(self, session_id: str, client: ClientId) -> Session:
        """One of them.

        Raises:
            InvalidSessionIdError: it is no session id.
            SessionNotFoundError: unknown, expired, or another client's.
        """
        return self._shown(await self.sessions.get_owned(session_id, client))

    async def end(self, session_id: str, client: ClientId) -> Session:
        """Forget one of them, with its transcript.

        Raises:
            InvalidSessionIdError: it is no session id.
            SessionNotFoundError: unknown, expired, or another client's.
            SessionBusyError: a request is using it.
            StorageError: it cannot be removed.
        """
        async with self.sessions.resume(session_id, client) as session:
            try:
                await self.sessions.store.remove(session.id)
            except StorageError:  # a full disk has room for it once the transcript is gone
                await self.transcripts.delete(session.id)
                await self.sessions.store.remove(session.id)
            else:
                await self.transcripts.delete(session.id)
            return session

    def _shown(self, session: Session) -> Session:
        clock = self.sessions.clock
        return session.dated(round(clock.time_of_day() - clock.now()))
