"""The session folders: each holds a working folder, and the CLI's files with the transcript."""

import asyncio
import json
import logging
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from modegate.adapters.claude_cli.process.disk_space import (
    ROOM_BYTES,
    check_room,
    has_answer,
    has_cut_line,
)
from modegate.adapters.claude_cli.process.session_lock import SessionLock
from modegate.domain.errors import SessionBusyError, StorageError
from modegate.domain.health import StorageState
from modegate.domain.session import SessionId, is_session_id
from modegate.domain.storage import StorageFault, fault_of, storage_error

CONFIG = ".claude.json"
LOCK = "lock"
# Keys of the CLI's own file that describe other sessions.
NOT_SHARED = ("projects",)
# Attempts to remove a folder: a process that is exiting may write a file during the removal.
REMOVALS = 2

log = logging.getLogger(__name__)


@contextmanager
def storage_errors() -> Iterator[None]:
    """Logs an OSError and converts it to an error for clients.

    Raises:
        StorageError: in place of OSError.
    """
    try:
        yield
    except OSError as error:
        log.error("state folder could not be used: %s", error.strerror)  # noqa: TRY400
        raise storage_error(fault_of(error)) from error


@dataclass(frozen=True, slots=True)
class SessionDirectory:
    """A session's folders: `work` is empty; `config` holds the CLI's files and the transcript."""

    work: Path
    config: Path

    @property
    def lock(self) -> Path:
        """The lock file, which names the gateway that used the session last."""
        return self.config.parent / LOCK

    def transcripts(self) -> dict[Path, int]:
        """Returns every transcript with its size in bytes."""
        return {path: path.stat().st_size for path in self.config.glob("projects/*/*.jsonl")}


class SessionDirectories:
    """Manages one private folder per session, under the state folder.

    Each session has its own `.claude.json`, because concurrent processes can corrupt a shared one
    (measured with earlier versions). A new file is a copy of one that the CLI has written. That
    saves the CLI the 15 ms to create it.
    """

    def __init__(self, state: Path) -> None:
        self._sessions = state / "sessions"
        self._owner = uuid.uuid4().hex
        self._config_template: bytes | None = None
        self.state = StorageState.OK

    def lock(self, folder: SessionDirectory) -> SessionLock:
        """Returns the folder's lock, not yet acquired."""
        return SessionLock(folder.lock, self._owner)

    async def prepare(self, session_id: SessionId) -> SessionDirectory:
        """Returns the session's folder; creates it if it is missing.

        Raises:
            OSError: the folder cannot be created.
        """
        return await asyncio.to_thread(self._prepare, session_id)

    async def reserve(self, session_id: SessionId, size: int) -> bool:
        """Checks, by a real write, that the session's folder has space for a turn.

        Creates the folder if it is missing, and returns whether it did.

        Raises:
            StorageError: there is no space for `size` bytes, or the folder cannot be written.
        """
        try:
            with storage_errors():
                made = await asyncio.to_thread(self._reserve, session_id, size)
        except StorageError:
            self.state = StorageState.ERROR
            raise
        self.state = StorageState.OK
        return made

    async def check(self) -> None:
        """Records in `state` whether the disk has space for a turn."""
        try:
            await asyncio.to_thread(self._check)
        except OSError as error:
            if self.state is StorageState.OK:  # checks are frequent: log only the change
                log.error("state folder could not be used: %s", error.strerror)  # noqa: TRY400
            self.state = StorageState.ERROR
        else:
            self.state = StorageState.OK

    async def is_doubtful(self, folder: SessionDirectory, size: int) -> bool:
        """Returns whether the transcript may lack the last turn.

        True if a line is cut, if `size` bytes do not fit, or if the folder cannot be read.
        """
        return await asyncio.to_thread(_is_doubtful, folder, size)

    async def holds_turn(self, folder: SessionDirectory, mark: Mapping[Path, int]) -> bool:
        """Returns whether a transcript holds the turn that began at `mark`.

        Call it only after the turn's process has exited.
        """
        return await asyncio.to_thread(_holds_turn, folder, mark)

    async def mark(self, folder: SessionDirectory) -> Mapping[Path, int]:
        """Returns the current sizes of the transcripts, for `roll_back`.

        Raises:
            StorageError: the transcripts cannot be read.
        """
        with storage_errors():
            return await asyncio.to_thread(folder.transcripts)

    async def roll_back(self, folder: SessionDirectory, mark: Mapping[Path, int]) -> None:
        """Restores the transcripts to `mark`, because the client will retry the failed turn.

        Works on a full disk. On a read-only disk it fails, and the failure is logged.
        """
        try:
            await asyncio.to_thread(_roll_back, folder, mark)
        except OSError as error:
            log.error(  # noqa: TRY400
                "failed turn could not be removed from its conversation: %s", error.strerror
            )

    async def keep_config_template(self, folder: SessionDirectory) -> None:
        """Keeps the CLI's own file as the template for new folders; only the first call counts."""
        if self._config_template is None:
            self._config_template = await asyncio.to_thread(_model_of, folder.config / CONFIG)

    async def list_ids(self) -> list[SessionId]:
        """Returns the sessions that have a folder.

        Raises:
            StorageError: the folders cannot be listed.
        """
        with storage_errors():
            return await asyncio.to_thread(self._kept)

    async def discard(self, session_id: SessionId) -> bool:
        """Removes the session's folder and its contents; logs a failure and returns False."""
        removed = await asyncio.to_thread(_removed, self._sessions / session_id)
        if not removed:
            log.error("folder of session %s could not be removed", session_id)
        return removed

    async def delete(self, session_id: SessionId) -> bool:
        """Removes the session's folder; returns False if another gateway uses the session.

        Raises:
            StorageError: the folder cannot be removed.
        """
        folder = self._folder(session_id)
        lock = self.lock(folder)
        try:
            with storage_errors():
                if not await asyncio.to_thread(folder.config.parent.exists):
                    return True
                lock.acquire(for_removal=True)
        except SessionBusyError:
            return False
        try:
            if not await self.discard(session_id):
                raise storage_error(StorageFault.BROKEN)
        finally:
            lock.release()
        return True

    def _folder(self, session_id: SessionId) -> SessionDirectory:
        own = self._sessions / session_id
        return SessionDirectory(own / "work", own / "claude")

    def _kept(self) -> list[SessionId]:
        if not self._sessions.is_dir():
            return []
        return [
            SessionId(path.name) for path in self._sessions.iterdir() if is_session_id(path.name)
        ]

    def _prepare(self, session_id: SessionId) -> SessionDirectory:
        folder = self._folder(session_id)
        if not folder.config.is_dir():
            try:
                self._make(folder)
            except OSError:  # a partial folder would pass for a complete one
                _removed(folder.config)
                raise
        return folder

    def _make(self, folder: SessionDirectory) -> None:
        own = folder.config.parent
        for path in (self._sessions.parent, self._sessions, own, folder.work, folder.config):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._config_template is not None:
            (folder.config / CONFIG).write_bytes(self._config_template)

    def _check(self) -> None:
        self._sessions.mkdir(mode=0o700, parents=True, exist_ok=True)
        check_room(self._sessions, ROOM_BYTES)

    def _reserve(self, session_id: SessionId, size: int) -> bool:
        own = self._sessions / session_id
        is_new = not own.exists()
        try:
            self._prepare(session_id)
            check_room(own, size)
        except OSError:
            if is_new:
                _removed(own)
            raise
        return is_new


def _removed(folder: Path) -> bool:
    for _ in range(REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return True
    return False


def _is_doubtful(folder: SessionDirectory, size: int) -> bool:
    try:
        check_room(folder.config.parent, size)
        return has_cut_line(folder.transcripts())
    except OSError:
        return True


def _holds_turn(folder: SessionDirectory, mark: Mapping[Path, int]) -> bool:
    try:
        return any(has_answer(path, mark.get(path, 0)) for path in folder.transcripts())
    except OSError:
        return False


def _roll_back(folder: SessionDirectory, mark: Mapping[Path, int]) -> None:
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
