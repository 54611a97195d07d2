"""The file that sessions are kept in."""

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic, sleep

from modegate.domain.errors import StorageError

VERSION = 1
SESSIONS = """
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    created_at REAL NOT NULL,
    used_at REAL NOT NULL,
    cli_session_id TEXT NOT NULL,
    system_prompt TEXT NOT NULL
) WITHOUT ROWID
"""
# One row of zeros: what is written to prove that a session could be.
PROOF = """
CREATE TABLE IF NOT EXISTS proof (id INTEGER PRIMARY KEY, room BLOB NOT NULL)
"""
# Another process may be writing, for moments.
BUSY_SECONDS = 5.0
PAUSE = 0.01
# The low byte of SQLite's error codes is the kind; what is above it, the occasion.
KIND = 0xFF


def open_database(path: Path) -> sqlite3.Connection:
    """The database in a file, which is made where there is none.

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
            return _connect(path)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & KIND != sqlite3.SQLITE_BUSY or monotonic() >= deadline:
                raise
        sleep(PAUSE)


def _connect(path: Path) -> sqlite3.Connection:
    with ExitStack() as failing:
        database = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        failing.enter_context(closing(database))
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise StorageError(
                "The sessions were written by a later version of modegate: the operator has to "
                "use that version, or another MODEGATE_STATE_DIR."
            )
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute(SESSIONS)
        database.execute(PROOF)
        if version != VERSION:  # what is not written cannot fail: a full disk can still be read
            database.execute(f"PRAGMA user_version = {VERSION}")
        failing.pop_all()
    return database
