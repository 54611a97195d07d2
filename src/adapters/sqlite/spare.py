"""Disk space that is kept for writes that must not fail."""

import os
from contextlib import suppress
from pathlib import Path

SPARE_BYTES = 256 * 1024


class SpareSpace:
    """A file of `SPARE_BYTES`, removed when the disk is full to make room for one more write.

    A row is written after its answer was paid for, and each commit makes the write-ahead log longer
    (measured with SQLite 3.40). So the room is reserved before, where a full disk costs nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def reserve(self) -> None:
        """Writes the file where it is missing or short.

        Raises:
            OSError: there is no room, or the folder cannot be written.
        """
        with suppress(FileNotFoundError):
            if self._path.stat().st_size >= SPARE_BYTES:
                return
        try:
            self._path.touch(mode=0o600)
            self._path.write_bytes(os.urandom(SPARE_BYTES))  # zeros may be compressed
        except OSError:
            self.release()
            raise

    def release(self) -> bool:
        """Removes the file; False where there was none."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
