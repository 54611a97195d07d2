"""Removing sessions whose time is over."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

from modegate.application.ports.clock import Clock
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.application.ports.session_store import SessionStore
from modegate.application.ports.transcript_store import TranscriptStore
from modegate.domain.errors import SessionBusyError, StorageError
from modegate.domain.session import SessionId
from modegate.lazy_dataclass import dataclass

# Ids in memory at once; SQLite accepts at least 999 values in a statement.
PAGE_SIZE = 500
# Ids of transcripts in memory at once, 1 MB. Each page of them is a scan of all folders.
LISTED_IDS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireSessions:
    """Forgets expired sessions, and what is left of turns that were never answered.

    The latter is there after the gateway was killed in the first turn of a session.
    """

    store: SessionStore
    transcripts: TranscriptStore
    configuration: ConfigurationSource
    clock: Clock

    async def execute(self) -> int:
        """How many were removed.

        Raises:
            StorageError: the last of several failures, after all others were removed.
        """
        removed, failure = 0, None
        async with aclosing(self._candidates()) as candidates:
            async for session_id in candidates:
                try:
                    removed += await self._remove(session_id)
                except StorageError as error:
                    failure = error
        if failure is not None:
            raise failure
        return removed

    async def _candidates(self) -> AsyncGenerator[SessionId, None]:
        """Yields expired sessions page by page, then transcripts without a session."""
        now, policy = self.clock.now(), self.configuration.current().sessions
        find_page = partial(
            self.store.find_expired,
            used_until=now - policy.idle,
            created_until=now - policy.age,
            limit=PAGE_SIZE,
        )
        after = None
        while page := await find_page(after=after):
            for session_id in page:
                yield session_id
            after = page[-1]
        after = None
        while page := await self.transcripts.list_ids(limit=LISTED_IDS, after=after):
            for start in range(0, len(page), PAGE_SIZE):
                for session_id in await self.store.find_unknown(page[start : start + PAGE_SIZE]):
                    yield session_id
            after = page[-1]

    async def _remove(self, session_id: SessionId) -> bool:
        if not await self._over(session_id):
            return False
        try:
            async with self.store.hold(session_id):
                if not await self._over(session_id):
                    return False
                # The transcript first: it gives a full disk the room that the store needs.
                if not await self.transcripts.delete(session_id):
                    return False
                await self.store.remove(session_id)
                return True
        except SessionBusyError:  # a turn is using it, or has only begun
            return False

    async def _over(self, session_id: SessionId) -> bool:
        session = await self.store.get(session_id)
        return session is None or self.configuration.current().sessions.expired(
            session, self.clock.now()
        )
