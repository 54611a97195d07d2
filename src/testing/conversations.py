"""Conversations that are only names."""

from modegate.domain.session import SessionId


class FakeConversations:
    """Keeps what it is given in `ids`, until it is told to forget."""

    def __init__(self, *ids: SessionId) -> None:
        self.ids = set(ids)

    async def kept(self) -> set[SessionId]:
        """Those that are not forgotten."""
        return set(self.ids)

    async def forget(self, session_id: SessionId) -> None:
        """Forget one."""
        self.ids.discard(session_id)
