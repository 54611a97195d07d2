"""A fake of the port for conversation data, which stores only ids."""

from collections.abc import Iterator
from contextlib import contextmanager

from modegate.domain.parameters.param_policy import Effort
from modegate.domain.session import SessionId


class FakeTranscriptStore:
    """Stores `ids` until `forget` is called; offers the id in `offered`."""

    def __init__(self, *ids: SessionId) -> None:
        self.ids = set(ids)
        self.offered: SessionId | None = None

    async def list_ids(self, *, limit: int, after: SessionId | None = None) -> list[SessionId]:
        """Returns a page of the ids that are not deleted."""
        return sorted(it for it in self.ids if after is None or it > after)[:limit]

    async def delete(self, session_id: SessionId) -> bool:
        """Deletes an id and returns True. Idempotent."""
        self.ids.discard(session_id)
        return True

    @contextmanager
    def reserve(self, cli_model: str, effort: Effort | None) -> Iterator[SessionId | None]:  # noqa: ARG002
        """Opens a context with the id in `offered`."""
        yield self.offered
