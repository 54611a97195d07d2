"""Opens the files that state is kept in."""

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic, sleep

from modegate.adapters.sqlite.migrations import Steps, migrate, read_version

# Another process may be writing, for moments.
BUSY_SECONDS = 5.0
PAUSE = 0.01
# The low byte of SQLite's error codes is the kind; what is above it, the occasion.
KIND = 0xFF


def open_database(path: Path, steps: Steps) -> sqlite3.Connection:
    """Opens the database in a file, which is created or migrated to the newest version of `steps` if needed.

    Blocks: where several processes open a new one at once, SQLite refuses some of them without the
    wait that it was told, so they try again until `BUSY_SECONDS` are over.

    Raises:
        StorageError: it was written by a later version of modegate.
        sqlite3.Error: it cannot be used.
    """
    path.touch(mode=0o600)
    deadline = monotonic() + BUSY_SECONDS
    while True:
        try:
            return _connect(path, steps)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & KIND != sqlite3.SQLITE_BUSY or monotonic() >= deadline:
                raise
        sleep(PAUSE)


def identity_of(path: Path) -> tuple[int, int] | None:
    """Returns the device and inode of a file, or None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _connect(path: Path, steps: Steps) -> sqlite3.Connection:
    with ExitStack() as failing:
        database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        failing.enter_context(closing(database))
        read_version(database, steps)  # a later version's file is not touched
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        migrate(database, steps)
        failing.pop_all()
    return database
