"""Stores turns that could not be stored when they were answered."""

from contextlib import suppress

from modegate.application.ports.late_transcripts import LateTranscripts
from modegate.application.ports.session_store import SessionStore
from modegate.domain.errors import SessionBusyError, StorageError
from modegate.domain.session import SessionId
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class StoreLateTurns:
    """Stores them one after another, until the first that cannot be stored yet."""

    store: SessionStore
    transcripts: LateTranscripts

    async def execute(self) -> int:
        """Returns how many turns were stored; no-op while the store or the archive is away."""
        stored = 0
        with suppress(StorageError):  # logged by the store, or by the archive
            for session_id in self.transcripts.list_unstored():
                with suppress(SessionBusyError):  # its turn stores it, or the next look does
                    stored += await self._store(session_id)
        return stored

    async def _store(self, session_id: SessionId) -> bool:
        async with self.store.hold(session_id):
            record = await self.store.get(session_id)
            session = await self.transcripts.store_late(session_id, record)
            if session is None:
                return False
            await self.store.put(session)
            return True
