"""Reserved disk space for writes that must not fail."""

import os
from contextlib import suppress
from pathlib import Path

SPARE_BYTES = 256 * 1024


class SpareSpace:
    """A file of `SPARE_BYTES`, deleted on a full disk to free space for one more write.

    A row is written after its answer has been paid for. Each commit extends the write-ahead log
    (measured with SQLite 3.40). Therefore the space is reserved before the turn starts.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def reserve(self) -> None:
        """Writes the file if it is missing or too short.

        Raises:
            OSError: if the disk is full, or the folder cannot be written.
        """
        with suppress(FileNotFoundError):
            if self._path.stat().st_size >= SPARE_BYTES:
                return
        try:
            self._path.touch(mode=0o600)
            self._path.write_bytes(os.urandom(SPARE_BYTES))  # file systems may compress zeros
        except OSError:
            self.release()
            raise

    def release(self) -> bool:
        """Deletes the file; returns False if that failed, such as when it is missing."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
