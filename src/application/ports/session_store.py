"""The port for session stores."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from modegate.domain.access.client import ClientId
from modegate.domain.session import Session, SessionId


class SessionStore(Protocol):
    """Stores sessions by their public id."""

    async def get(self, session_id: SessionId) -> Session | None:
        """Returns the session as last stored, or None."""
        ...

    async def find(self, client: ClientId | None = None) -> Sequence[Session]:
        """Returns all sessions, or one client's, most recently used first; includes expired ones."""
        ...

    async def find_by_history(self, history: str, limit: int) -> Sequence[Session]:
        """Returns sessions with this `Session.history`, most recently used first.

        At most `limit` of them; includes expired ones. An empty key finds none. The cost does not
        grow with the number of sessions.
        """
        ...

    async def count(self) -> int:
        """Returns the number of stored sessions, including expired ones; it is asked often."""
        ...

    async def find_expired(
        self,
        *,
        used_until: float,
        created_until: float,
        limit: int,
        after: SessionId | None = None,
    ) -> Sequence[SessionId]:
        """Returns one page of the ids of sessions last used, or created, at these times or before.

        A page has at most `limit` ids, sorted, all greater than `after`. The next page starts after
        the last id of this one; so the pages end even if nothing on them can be removed.
        """
        ...

    async def find_unknown(self, ids: Sequence[SessionId]) -> Sequence[SessionId]:
        """Returns those of the ids that no stored session has, in any order."""
        ...

    async def put(self, session: Session) -> None:
        """Stores the session and replaces an earlier one with the same id."""
        ...

    async def reserve(self, session: Session) -> None:
        """Make sure, by a real write, that the session can be put.

        What `get` and `find` show stays as it is, also where no `put` follows.

        Raises:
            StorageError: the store is full, read-only or broken.
        """
        ...

    async def remove(self, session_id: SessionId) -> None:
        """Deletes the session. Idempotent: an unknown id is a no-op."""
        ...

    def hold(self, session_id: SessionId) -> AbstractAsyncContextManager[None]:
        """Locks the id exclusively until the context is left; the id need not exist.

        Raises:
            SessionBusyError: if the id is locked already; immediately, without waiting.
        """
        ...
