"""Conversations that are only names."""

from collections.abc import Iterator
from contextlib import contextmanager

from modegate.domain.param_policy import Effort
from modegate.domain.session import SessionId


class FakeConversations:
    """Keeps what it is given in `ids`, until it is told to forget."""

    def __init__(self, *ids: SessionId) -> None:
        self.ids = set(ids)
        self.offered: SessionId | None = None

    async def kept(self) -> set[SessionId]:
        """Those that are not forgotten."""
        return set(self.ids)

    async def forget(self, session_id: SessionId) -> bool:
        """Forget one."""
        self.ids.discard(session_id)
        return True

    @contextmanager
    def offer(self, cli_model: str, effort: Effort | None) -> Iterator[SessionId | None]:  # noqa: ARG002
        """One of `offered`, which is given back."""
        yield self.offered
