"""Ends parked turns whose sessions have gone on at other gateways."""

from modegate.application.ports.awaited_calls import AwaitedCalls
from modegate.application.ports.session_store import SessionStore
from modegate.domain.errors import StorageError
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class EndMovedTurns:
    """Compares parked turns with the records of their sessions; asks nothing if none is parked."""

    store: SessionStore
    calls: AwaitedCalls

    async def execute(self) -> int:
        """Returns how many turns were ended; no-op while the store is away."""
        ended = 0
        try:
            for session_id in self.calls.list_parked():
                session = await self.store.get(session_id)
                ended += self.calls.end_if_moved(session_id, session)
        except StorageError:  # logged by the store
            pass
        return ended
