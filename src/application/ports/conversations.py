"""What a backend keeps of its conversations."""

from collections.abc import Collection
from typing import Protocol

from modegate.domain.session import SessionId


class Conversations(Protocol):
    """Keeps transcripts and folders, by the sessions' public ids."""

    async def kept(self) -> Collection[SessionId]:
        """The sessions of which something is kept."""
        ...

    async def forget(self, session_id: SessionId) -> None:
        """Remove all that is kept of a session; nothing may be kept."""
        ...
