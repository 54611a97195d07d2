"""The session folders under the state folder."""

import asyncio
import logging
import os
import shutil
import uuid
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from functools import partial
from heapq import nsmallest
from pathlib import Path

from modegate.adapters.claude_cli.session_folder import stored_prefix
from modegate.adapters.claude_cli.session_folder.config_template import ConfigTemplate
from modegate.adapters.claude_cli.session_folder.disk_space import ROOM_BYTES, check_room
from modegate.adapters.claude_cli.session_folder.open_calls import ends_with_calls
from modegate.adapters.claude_cli.session_folder.session_directory import (
    SessionDirectory,
    storage_errors,
)
from modegate.adapters.claude_cli.session_folder.session_lock import SessionLock
from modegate.domain.errors import SessionBusyError, StorageError
from modegate.domain.health import StorageState
from modegate.domain.session import Session, SessionId, is_session_id
from modegate.domain.storage import StorageFault, storage_error

# Attempts to remove a folder: a process that is exiting may write a file during the removal.
REMOVALS = 2

log = logging.getLogger(__name__)


class SessionDirectories:
    """Manages one private folder per session, under the state folder.

    Each session has its own `.claude.json`, because concurrent processes can corrupt a shared one
    (measured with earlier versions). A new file is a copy of one that the CLI has written.
    """

    def __init__(self, state: Path) -> None:
        self._sessions = state / "sessions"
        self._owner = uuid.uuid4().hex
        self._config_template = ConfigTemplate()
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

    async def keep_config_template(self, folder: SessionDirectory) -> None:
        """Keeps the CLI's own file as the template for new folders; only the first call counts."""
        await self._config_template.learn(folder)

    async def list_ids(
        self,
        *,
        limit: int,
        after: SessionId | None = None,
        without: AbstractSet[SessionId] = frozenset(),
    ) -> list[SessionId]:
        """Returns a page of the sessions that have a folder, sorted, all greater than `after`.

        Raises:
            StorageError: the folders cannot be listed.
        """
        with storage_errors():
            return await asyncio.to_thread(self._kept, limit, after or "", without)

    async def ends_with_calls(
        self, session: Session, call_ids: Collection[str], *, moves: bool
    ) -> bool | None:
        """Returns as the function of this name.

        Raises:
            StorageError: the transcript cannot be read.
        """
        ends = partial(ends_with_calls, self._folder(session.id), session, call_ids, moves=moves)
        with storage_errors():
            return await asyncio.to_thread(ends)

    async def has_unstored(self, session: Session) -> bool:
        """Returns whether the session's folder holds the turn that `session.unstored` names.

        Raises:
            StorageError: the folder cannot be read.
        """
        with storage_errors():
            folder = self._folder(session.id)
            return await asyncio.to_thread(stored_prefix.has_unstored, folder, session)

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

    def _kept(self, limit: int, after: str, without: AbstractSet[SessionId]) -> list[SessionId]:
        try:
            entries = os.scandir(self._sessions)
        except FileNotFoundError:
            return []
        with entries:
            names = (it.name for it in entries if it.name > after and is_session_id(it.name))
            ids = map(SessionId, names)
            return nsmallest(limit, (it for it in ids if it not in without))

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
        self._config_template.copy_to(folder)

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
