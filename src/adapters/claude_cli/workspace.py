"""The folders that children work in, and keep their conversations in."""

import asyncio
import fcntl
import json
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from modegate.adapters.claude_cli import failures
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
        self._model: bytes | None = None

    async def prepare(self, session_id: SessionId) -> SessionFolder:
        """The session's folder, made where it is not there."""
        return await asyncio.to_thread(self._prepare, session_id)

    @asynccontextmanager
    async def lock(self, folder: SessionFolder) -> AsyncIterator[None]:
        """Keep other gateways out of the folder, until this one's child is gone.

        Raises:
            SessionBusyError: a child of another gateway is not.
        """
        file = os.open(folder.work.parent / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise failures.session_busy() from None
            yield
        finally:
            os.close(file)

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

    def _kept(self) -> list[SessionId]:
        if not self._sessions.is_dir():
            return []
        return [
            SessionId(path.name) for path in self._sessions.iterdir() if is_session_id(path.name)
        ]

    def _prepare(self, session_id: SessionId) -> SessionFolder:
        own = self._sessions / session_id
        folder = SessionFolder(own / "work", own / "claude")
        if not folder.config.is_dir():
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
