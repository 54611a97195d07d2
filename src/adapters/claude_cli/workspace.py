"""The folders that children work in, and keep their conversations in."""

import asyncio
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from modegate.adapters.claude_cli.folder_lock import FolderLock
from modegate.domain.errors import SessionBusyError
from modegate.domain.session import SessionId, is_session_id

CONFIG = ".claude.json"
LOCK = "lock"
# Parts of the CLI's own file that tell of other sessions.
NOT_SHARED = ("projects",)


@dataclass(frozen=True, slots=True)
class SessionFolder:
    """A session's own: `work` is empty, `config` holds the CLI's files and the transcript."""

    work: Path
    config: Path

    @property
    def lock(self) -> Path:
        """The file that says who uses it."""
        return self.config.parent / LOCK

    def transcripts(self) -> dict[Path, int]:
        """Every transcript with its size in bytes."""
        return {path: path.stat().st_size for path in self.config.glob("projects/*/*.jsonl")}


class Workspace:
    """One private folder a session, under the state folder.

    No two sessions share the CLI's `.claude.json`, which processes that run at once can corrupt
    (measured with earlier versions). A new one is a copy of one that the CLI has made itself, which
    saves it the 15 ms to make another.
    """

    def __init__(self, state: Path) -> None:
        self._sessions = state / "sessions"
        self._owner = uuid.uuid4().hex
        self._model: bytes | None = None

    def lock(self, folder: SessionFolder) -> FolderLock:
        """The folder's lock, not taken yet."""
        return FolderLock(folder.lock, self._owner)

    async def prepare(self, session_id: SessionId) -> SessionFolder:
        """The session's folder, made where it is not there."""
        return await asyncio.to_thread(self._prepare, session_id)

    async def mark(self, folder: SessionFolder) -> Mapping[Path, int]:
        """Where the transcripts end now, for `roll_back`."""
        return await asyncio.to_thread(folder.transcripts)

    async def roll_back(self, folder: SessionFolder, mark: Mapping[Path, int]) -> None:
        """Undo what a turn that failed has written, for its client will send it again."""
        await asyncio.to_thread(_roll_back, folder, mark)

    async def learn(self, folder: SessionFolder) -> None:
        """Keep the CLI's own file as the model for the next ones."""
        if self._model is None:
            self._model = await asyncio.to_thread(_model_of, folder.config / CONFIG)

    async def kept(self) -> list[SessionId]:
        """The sessions that have a folder."""
        return await asyncio.to_thread(self._kept)

    async def discard(self, session_id: SessionId) -> None:
        """Remove the session's folder with all that is in it."""
        await asyncio.to_thread(shutil.rmtree, self._sessions / session_id, ignore_errors=True)

    async def forget(self, session_id: SessionId) -> bool:
        """The same, unless another gateway uses it."""
        folder = self._folder(session_id)
        lock = self.lock(folder)
        try:
            lock.take()
        except SessionBusyError:
            return False
        except OSError:  # there is none
            return True
        try:
            await self.discard(session_id)
        finally:
            lock.release()
        return True

    def _folder(self, session_id: SessionId) -> SessionFolder:
        own = self._sessions / session_id
        return SessionFolder(own / "work", own / "claude")

    def _kept(self) -> list[SessionId]:
        if not self._sessions.is_dir():
            return []
        return [
            SessionId(path.name) for path in self._sessions.iterdir() if is_session_id(path.name)
        ]

    def _prepare(self, session_id: SessionId) -> SessionFolder:
        folder = self._folder(session_id)
        if not folder.config.is_dir():
            own = folder.config.parent
            for path in (self._sessions.parent, self._sessions, own, folder.work, folder.config):
                path.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._model is not None:
                (folder.config / CONFIG).write_bytes(self._model)
        return folder


def _roll_back(folder: SessionFolder, mark: Mapping[Path, int]) -> None:
    for path in folder.transcripts():
        if path in mark:
            os.truncate(path, mark[path])
        else:
            path.unlink(missing_ok=True)


def _model_of(path: Path) -> bytes | None:
    try:
        found = json.loads(path.read_bytes())
        return json.dumps({k: v for k, v in found.items() if k not in NOT_SHARED}).encode()
    except (OSError, ValueError, AttributeError):
        return None
