"""The port for the sessions that wait for results of a client's tools, at any gateway."""

from collections.abc import Collection
from typing import Protocol

from modegate.domain.access.client import ClientId
from modegate.domain.session import Session, SessionId


class CallLocations(Protocol):
    """Finds sessions by their open calls. It may lose what it knows: the transcript counts."""

    async def find(self, client: ClientId, call_ids: Collection[str]) -> SessionId | None:
        """Returns the client's session that has made one of the calls; None if none is known.

        Raises:
            StorageError: the store cannot be asked.
        """
        ...

    async def move(
        self,
        session: Session,
        answered: Collection[str],
        opened: Collection[str],
        lifetime_s: float,
    ) -> None:
        """Forgets the calls that got their results, and knows those that the session has made.

        Raises:
            StorageError: the store cannot be asked.
        """
        ...
