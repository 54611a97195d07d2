"""The port for turns that were answered here while they could not be stored."""

from collections.abc import Sequence
from typing import Protocol

from modegate.domain.session import Session, SessionId


class LateTranscripts(Protocol):
    """Stores such turns later, so that other gateways can go on from there."""

    def list_unstored(self) -> Sequence[SessionId]:
        """Returns the sessions whose last turn here is not stored."""
        ...

    async def has_unstored(self, session: Session) -> bool:
        """Returns whether the turn that `session.unstored` names is here, so that it can go on.

        Raises:
            StorageError: what is here cannot be read.
        """
        ...

    def give_up(self, session: Session) -> None:
        """Logs that the session goes on here without the turn that `session.unstored` names."""
        ...

    async def store_late(self, session_id: SessionId, session: Session | None) -> Session | None:
        """Stores the turn, and returns the session's record that names it.

        `session` is its record as it is now; None if there is none. Its caller holds the session. A
        turn whose session has gone on elsewhere, or was deleted, is no longer listed. Returns None if
        nothing is stored.

        Raises:
            StorageError: the turn cannot be stored yet; it stays listed.
        """
        ...
