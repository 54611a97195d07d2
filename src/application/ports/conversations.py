"""What a backend keeps of its conversations."""

from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Protocol

from modegate.domain.param_policy import Effort
from modegate.domain.session import SessionId


class Conversations(Protocol):
    """Keeps transcripts and folders, by the sessions' public ids."""

    async def kept(self) -> Collection[SessionId]:
        """The sessions of which something is kept."""
        ...

    async def forget(self, session_id: SessionId) -> bool:
        """Remove all that is kept of a session; nothing may be kept.

        False where another gateway is using it.
        """
        ...

    def offer(
        self, cli_model: str, effort: Effort | None
    ) -> AbstractContextManager[SessionId | None]:
        """The id of a session that can begin sooner than others, if there is one.

        Nobody else gets it while the context is open; it is free again where no turn began.
        """
        ...
