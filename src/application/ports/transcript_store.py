"""The port for the conversation data that a backend stores."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from modegate.domain.parameters.param_policy import Effort
from modegate.domain.session import SessionId


class TranscriptStore(Protocol):
    """Stores transcripts and folders under the public ids of sessions."""

    async def list_ids(self, *, limit: int, after: SessionId | None = None) -> Sequence[SessionId]:
        """Returns one page of the ids of sessions with stored data.

        A page has at most `limit` ids, sorted, all greater than `after`; it is empty only after the
        last id.
        """
        ...

    async def delete(self, session_id: SessionId) -> bool:
        """Deletes all stored data of a session. Idempotent.

        Returns False, without deleting, while another gateway uses the session.
        """
        ...

    def reserve(
        self, cli_model: str, effort: Effort | None
    ) -> AbstractContextManager[SessionId | None]:
        """Reserves the id of a session with a prewarmed process, or None if there is none.

        The reservation is exclusive while the context is open. If no turn starts by then, the id
        becomes available again.
        """
        ...
