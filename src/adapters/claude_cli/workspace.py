"""The folders that children work in."""

import asyncio
import shutil
from pathlib import Path

from modegate.domain.session import SessionId


class Workspace:
    """One empty private folder a session, under the state folder."""

    def __init__(self, state: Path) -> None:
        self._sessions = state / "sessions"

    async def prepare(self, session_id: SessionId) -> Path:
        """The session's folder, made where it is not there."""
        folder = self._sessions / session_id
        await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True, exist_ok=True)
        return folder

    async def discard(self, session_id: SessionId) -> None:
        """Remove the session's folder with all that is in it."""
        await asyncio.to_thread(shutil.rmtree, self._sessions / session_id, ignore_errors=True)
