"""The in-memory session store, for tests, embedding, and gateways without persistent sessions."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from heapq import nsmallest
from itertools import islice

from modegate.domain.access.client import ClientId
from modegate.domain.errors.catalogue import sessions
from modegate.domain.session import Session, SessionId


class MemorySessionStore:
    """Stores sessions until the process exits."""

    def __init__(self) -> None:
        self._sessions: dict[SessionId, Session] = {}
        # In the order in which they were put.
        self._by_history: dict[str, dict[SessionId, None]] = {}
        self._held: set[SessionId] = set()

    async def get(self, session_id: SessionId) -> Session | None:
        """Returns the session, or None."""
        return self._sessions.get(session_id)

    async def find(self, client: ClientId | None = None) -> list[Session]:
        """Returns all sessions, or one client's, most recently used first."""
        found = (it for it in self._sessions.values() if client in (None, it.client))
        return sorted(found, key=lambda session: session.used_at, reverse=True)

    async def find_by_history(self, history: str, limit: int) -> list[Session]:
        """Returns sessions with this history, most recently used first."""
        latest_first = reversed(self._by_history.get(history, {}))
        return [self._sessions[it] for it in islice(latest_first, limit)]

    async def count(self) -> int:
        """The number of sessions."""
        return len(self._sessions)

    async def find_expired(
        self,
        *,
        used_until: float,
        created_until: float,
        limit: int,
        after: SessionId | None = None,
    ) -> list[SessionId]:
        """A page of ids, sorted."""
        found = (
            it.id
            for it in self._sessions.values()
            if it.used_at <= used_until or it.created_at <= created_until
        )
        return nsmallest(limit, (it for it in found if after is None or it > after))

    async def find_unknown(self, ids: Sequence[SessionId]) -> list[SessionId]:
        """The ids without a session."""
        return [it for it in ids if it not in self._sessions]

    async def put(self, session: Session) -> None:
        """Stores the session."""
        self._forget_history(session.id)
        self._sessions[session.id] = session
        if session.history:
            self._by_history.setdefault(session.history, {})[session.id] = None

    async def reserve(self, session: Session) -> None:
        """No-op: memory needs no reservation."""

    async def remove(self, session_id: SessionId) -> None:
        """Deletes the session. Idempotent."""
        self._forget_history(session_id)
        self._sessions.pop(session_id, None)

    @asynccontextmanager
    async def hold(self, session_id: SessionId) -> AsyncIterator[None]:
        """Locks the id exclusively until the context is left.

        Raises:
            SessionBusyError: if the id is locked already.
        """
        if session_id in self._held:
            raise sessions.busy()
        self._held.add(session_id)
        try:
            yield
        finally:
            self._held.discard(session_id)

    def _forget_history(self, session_id: SessionId) -> None:
        before = self._sessions.get(session_id)
        if before is None or not before.history:
            return
        same = self._by_history[before.history]
        del same[session_id]
        if not same:
            del self._by_history[before.history]
