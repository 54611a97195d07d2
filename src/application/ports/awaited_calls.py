"""The port for turns that wait for the results of a client's tools."""

from collections.abc import Collection, Sequence
from typing import Protocol

from modegate.domain.access.client import ClientId
from modegate.domain.session import Session, SessionId


class AwaitedCalls(Protocol):
    """Finds the sessions whose last answer called tools of the client."""

    def is_parked(self, session_id: SessionId) -> bool:
        """Returns whether a turn of the session waits for results."""
        ...

    def list_parked(self) -> Sequence[SessionId]:
        """Returns the sessions whose turns wait for results."""
        ...

    def end_if_moved(self, session_id: SessionId, session: Session | None) -> bool:
        """Ends the turn of a session that waits for results, if it has gone on at another gateway.

        `session` is its record as it is now; None if there is none. Returns whether a turn ended.
        """
        ...

    def find(self, client: ClientId, call_ids: Collection[str]) -> SessionId | None:
        """Returns the client's session with a turn that waits for one of the calls; else None."""
        ...

    async def awaits(self, session: Session, call_ids: Collection[str]) -> bool:
        """Returns whether the session can go on with the result of one of the calls.

        Its turn waits for it, or its conversation ends with the call.
        """
        ...
