"""Exclusive use of ids, among all processes that open the same file."""

import fcntl
import os
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path

# A lock covers one byte; where it lies in the file, which stays empty, stands for the id.
POSITIONS = 2**62


@dataclass(slots=True)
class _File:
    """A process's one descriptor of a file: closing any would give away all of its locks there.

    The kernel's locks are the process's: among its own holds they say nothing, so `held` does.
    """

    descriptor: int
    users: int = 0
    held: set[str] = field(default_factory=set)


_files: dict[Path, _File] = {}
_guard = threading.Lock()


class SessionLocks:
    """One lock an id; the kernel gives back those of a process that ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: _File | None = None
        self._own: set[str] = set()

    def take(self, name: str) -> bool:
        """Whether the id, a UUID, is ours now; False where somebody has it. Never waits.

        Raises:
            OSError: the file cannot be opened.
        """
        with _guard:
            file = self._open()
            if name in file.held or not _locked(file, name):
                return False
            file.held.add(name)
            self._own.add(name)
            return True

    def release(self, name: str) -> None:
        """Give it back, unless that is done already."""
        with _guard:
            if self._file is not None and name in self._own:
                self._give_back(self._file, name)

    def close(self) -> None:
        """Give back all of them, and none of another's."""
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
            self._path = self._path.resolve()  # the same file for whoever comes by another way
            if self._path not in _files:
                flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
                _files[self._path] = _File(os.open(self._path, flags, 0o600))
            self._file = _files[self._path]
            self._file.users += 1
        return self._file


def _locked(file: _File, name: str) -> bool:
    try:
        fcntl.lockf(file.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _position(name))
    except (BlockingIOError, PermissionError):  # some systems say the one, some the other
        return False
    return True


def _position(name: str) -> int:
    return uuid.UUID(name).int % POSITIONS
