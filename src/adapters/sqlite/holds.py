"""Exclusive use of ids, among all processes that open the same file."""

import fcntl
import os
import uuid
from pathlib import Path

# The kernel's locks are the process's: among its own requests and stores they say nothing.
_held: set[tuple[Path, str]] = set()

# A lock covers one byte; where it lies in the file, which stays empty, stands for the id.
POSITIONS = 2**62


class Holds:
    """One lock an id; the kernel gives back those of a process that ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def take(self, name: str) -> bool:
        """Whether the id, a UUID, is ours now; False where somebody has it. Never waits."""
        held = (self._path.absolute(), name)
        if held in _held:
            return False
        try:
            fcntl.lockf(self._open(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _position(name))
        except (BlockingIOError, PermissionError):
            return False
        _held.add(held)
        return True

    def release(self, name: str) -> None:
        """Give it back."""
        fcntl.lockf(self._open(), fcntl.LOCK_UN, 1, _position(name))
        _held.discard((self._path.absolute(), name))

    def close(self) -> None:
        """Give back all of them."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _open(self) -> int:
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._file


def _position(name: str) -> int:
    return uuid.UUID(name).int % POSITIONS
