"""Where sessions are remembered."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from modegate.domain.client import ClientId
from modegate.domain.session import Session, SessionId


class SessionStore(Protocol):
    """Remembers sessions by their public id."""

    async def get(self, session_id: SessionId) -> Session | None:
        """The session as it was last put, or None."""
        ...

    async def find(self, client: ClientId | None = None) -> Sequence[Session]:
        """All sessions, or those of one client, the latest used first; expired ones too."""
        ...

    async def put(self, session: Session) -> None:
        """Remember the session, in place of an earlier one with its id."""
        ...

    async def reserve(self, session: Session) -> None:
        """Make sure, by a real write, that the session can be put.

        What `get` and `find` show stays as it is, also where no `put` follows.

        Raises:
            StorageError: the store is full, read-only or broken.
        """
        ...

    async def remove(self, session_id: SessionId) -> None:
        """Forget the session; one that is not there is forgotten already."""
        ...

    def hold(self, session_id: SessionId) -> AbstractAsyncContextManager[None]:
        """Exclusive use of the id, known or not, until the context is left.

        Raises:
            SessionBusyError: somebody else holds it; at once, never after a wait.
        """
        ...
