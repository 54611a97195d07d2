"""A database at a path, opened when it is used."""

import sqlite3
from pathlib import Path

from modegate.adapters.sqlite.database import identity_of, open_database
from modegate.adapters.sqlite.migrations import Steps


class DatabaseFile:
    """Opens the database on first use, and again after its file was removed or replaced.

    All calls are made in one thread.
    """

    def __init__(self, path: Path, steps: Steps) -> None:
        self._path = path
        self._steps = steps
        self._database: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    def open(self) -> sqlite3.Connection:
        """Returns the database at the path; a file that was removed is no longer written to.

        Raises:
            StorageError: a later version of modegate wrote the file.
            sqlite3.Error: the database cannot be used.
            OSError: the folder or the file cannot be created.
        """
        if self._database is not None and identity_of(self._path) != self._file:
            self.close()
        if self._database is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._database = open_database(self._path, self._steps)
            self._file = identity_of(self._path)
        return self._database

    def close(self) -> None:
        """Closes the database. Idempotent; the next use opens it again."""
        if self._database is not None:
            self._database.close()
            self._database = None
