"""Exclusive locks on session ids, shared by all processes that open the same file."""

import fcntl
import os
import threading
import uuid
from dataclasses import field
from pathlib import Path

from modegate.lazy_dataclass import dataclass

# A lock covers one byte, whose position is derived from the id. The file itself stays empty.
POSITIONS = 2**62


@dataclass(slots=True)
class _File:
    """The process's only descriptor of a file: closing any descriptor releases all of its locks.

    The kernel's locks belong to the process, so `held` records the locks within the process.
    """

    descriptor: int
    users: int = 0
    held: set[str] = field(default_factory=set)


_files: dict[Path, _File] = {}
_guard = threading.Lock()


class SessionLocks:
    """One lock for each id. The kernel releases the locks of a process that exits or is killed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: _File | None = None
        self._own: set[str] = set()

    def take(self, name: str) -> bool:
        """Locks the id, a UUID; returns False if it is locked already. Never waits.

        Raises:
            OSError: if the file cannot be opened.
        """
        with _guard:
            file = self._open()
            if name in file.held or not _locked(file, name):
                return False
            file.held.add(name)
            self._own.add(name)
            return True

    def release(self, name: str) -> None:
        """Releases the lock. Idempotent."""
        with _guard:
            if self._file is not None and name in self._own:
                self._give_back(self._file, name)

    def close(self) -> None:
        """Releases all locks of this instance, and closes the file with its last user."""
        with _guard:
            if self._file is None:
                return
            for name in tuple(self._own):
                self._give_back(self._file, name)
            self._file.users -= 1
            if not self._file.users:
                del _files[self._path]
                os.close(self._file.descriptor)
            self._file = None

    def _give_back(self, file: _File, name: str) -> None:
        fcntl.lockf(file.descriptor, fcntl.LOCK_UN, 1, _position(name))
        file.held.discard(name)
        self._own.discard(name)

    def _open(self) -> _File:
        if self._file is None:
            self._path = self._path.resolve()  # the same key for every path to the file
            if self._path not in _files:
                flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
                _files[self._path] = _File(os.open(self._path, flags, 0o600))
            self._file = _files[self._path]
            self._file.users += 1
        return self._file


def _locked(file: _File, name: str) -> bool:
    try:
        fcntl.lockf(file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _position(name))
    except (BlockingIOError, PermissionError):  # the error depends on the system
        return False
    return True


def _position(name: str) -> int:
    return uuid.UUID(name).int % POSITIONS
