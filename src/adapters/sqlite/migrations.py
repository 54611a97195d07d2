"""Migrations of the schemas: one step for each version of a file."""

import sqlite3
from collections.abc import Sequence

from modegate.domain.errors.catalogue import storage

Steps = Sequence[Sequence[str]]

# Each version's statements, the first version's first. Published steps never change; append new ones.
SESSIONS: Steps = (
    (
        """
        CREATE TABLE IF NOT EXISTS sessions (
            id TEXT PRIMARY KEY,
            client TEXT NOT NULL,
            created_at REAL NOT NULL,
            used_at REAL NOT NULL,
            cli_session_id TEXT NOT NULL,
            system_prompt TEXT NOT NULL
        ) WITHOUT ROWID
        """,
    ),
    (
        # One row of zeros proves that a session could be written. Some files of version 1 have it.
        "CREATE TABLE IF NOT EXISTS proof (id INTEGER PRIMARY KEY, room BLOB NOT NULL)",
        # Counting and finding expired sessions read this index only, never a prompt.
        "CREATE INDEX session_times ON sessions (id, used_at, created_at)",
    ),
)
CREDENTIALS: Steps = (
    (
        """
        CREATE TABLE credentials (
            id TEXT PRIMARY KEY,
            secret_digest TEXT NOT NULL,
            revision INTEGER NOT NULL,
            state TEXT NOT NULL
        ) WITHOUT ROWID
        """,
        "CREATE INDEX credential_revisions ON credentials (revision)",
    ),
)
KEYS: Steps = (
    (
        """
        CREATE TABLE keys (
            id TEXT PRIMARY KEY,
            revision INTEGER NOT NULL,
            key TEXT NOT NULL
        ) WITHOUT ROWID
        """,
        "CREATE INDEX key_revisions ON keys (revision)",
    ),
)


def migrate(database: sqlite3.Connection, steps: Steps) -> None:
    """Brings the schema to the newest version, in one transaction; a current file is not written.

    Raises:
        StorageError: a later version of modegate wrote the file.
        sqlite3.Error: a step failed, and the file is as it was before.
    """
    if read_version(database, steps) == len(steps):  # a full or read-only disk can still be read
        return
    with database:
        database.execute("BEGIN IMMEDIATE")
        # Read again: another process may have migrated the file before this one got the lock.
        for statements in steps[read_version(database, steps) :]:
            for statement in statements:
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {len(steps)}")


def read_version(database: sqlite3.Connection, steps: Steps) -> int:
    """Returns the schema's version; 0 for a new file.

    Raises:
        StorageError: a later version of modegate wrote the file.
    """
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > len(steps):
        raise storage.later_format(version, len(steps))
    return int(version)
