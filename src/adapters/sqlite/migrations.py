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
    (
        # Sessions of before have had at least one turn.
        "ALTER TABLE sessions ADD COLUMN turns INTEGER NOT NULL DEFAULT 1",
        "ALTER TABLE sessions ADD COLUMN transcript TEXT NOT NULL DEFAULT ''",
    ),
    (
        "ALTER TABLE sessions ADD COLUMN said TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE sessions ADD COLUMN history TEXT NOT NULL DEFAULT ''",
        "CREATE INDEX session_histories ON sessions (history, used_at) WHERE history != ''",
    ),
    (
        "ALTER TABLE sessions ADD COLUMN unstored TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE sessions ADD COLUMN home TEXT NOT NULL DEFAULT ''",
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

SUMS = """
    requests INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    reasoning_tokens INTEGER NOT NULL,
    cost_nano_usd INTEGER NOT NULL,
    priced INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    estimated INTEGER NOT NULL
"""
USAGE: Steps = (
    (
        # The dimensions of sums, once for each combination; empty if unknown, as NULLs are never equal.
        """
        CREATE TABLE usage_groups (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL,
            model TEXT NOT NULL,
            used_model TEXT NOT NULL,
            upstream TEXT NOT NULL,
            credential TEXT NOT NULL,
            mode TEXT NOT NULL,
            endpoint TEXT NOT NULL,
            UNIQUE (key, model, used_model, upstream, credential, mode, endpoint)
        )
        """,
        # An id begins with the time, so the table needs no index to be read by time.
        """
        CREATE TABLE requests (
            id INTEGER PRIMARY KEY,
            group_id INTEGER NOT NULL,
            request_id TEXT,
            session TEXT,
            conversation TEXT,
            agent TEXT,
            parent_agent TEXT,
            subagent TEXT,
            prompt_tokens INTEGER NOT NULL,
            cached_tokens INTEGER NOT NULL,
            cache_write_tokens INTEGER NOT NULL,
            completion_tokens INTEGER NOT NULL,
            reasoning_tokens INTEGER NOT NULL,
            cost_nano_usd INTEGER,
            price_version TEXT,
            status INTEGER NOT NULL,
            error TEXT,
            seconds REAL NOT NULL,
            first_token_s REAL,
            estimated INTEGER NOT NULL DEFAULT 0,
            attempts TEXT
        )
        """,
        # Numbers of hours and days since 1970-01-01, in UTC.
        f"""
        CREATE TABLE hours (
            period INTEGER NOT NULL, group_id INTEGER NOT NULL, {SUMS},
            PRIMARY KEY (period, group_id)
        ) WITHOUT ROWID
        """,
        f"""
        CREATE TABLE days (
            period INTEGER NOT NULL, group_id INTEGER NOT NULL, {SUMS},
            PRIMARY KEY (period, group_id)
        ) WITHOUT ROWID
        """,
    ),
)
BUDGETS: Steps = (
    (
        """
        CREATE TABLE accounts (
            subject TEXT NOT NULL,
            unit TEXT NOT NULL,
            period TEXT NOT NULL,
            window_start INTEGER NOT NULL,
            window_end INTEGER NOT NULL,
            spent INTEGER NOT NULL,
            PRIMARY KEY (subject, unit, period)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE reservations (
            subject TEXT NOT NULL,
            unit TEXT NOT NULL,
            period TEXT NOT NULL,
            id TEXT NOT NULL,
            window_start INTEGER NOT NULL,
            amount INTEGER NOT NULL,
            owner TEXT NOT NULL,
            deadline REAL NOT NULL,
            PRIMARY KEY (subject, unit, period, id)
        ) WITHOUT ROWID
        """,
        "CREATE INDEX reservation_ids ON reservations (id)",
        "CREATE INDEX reservation_owners ON reservations (owner)",
    ),
)
BATCHES: Steps = (
    (
        """
        CREATE TABLE batches (
            id TEXT PRIMARY KEY,
            client TEXT NOT NULL,
            created_at REAL NOT NULL,
            expires_at REAL NOT NULL,
            state TEXT NOT NULL,
            total INTEGER NOT NULL,
            completed INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            worker TEXT,
            due_at REAL NOT NULL,
            served_at REAL NOT NULL,
            fields TEXT NOT NULL
        ) WITHOUT ROWID
        """,
        "CREATE INDEX batch_clients ON batches (client, created_at, id)",
        "CREATE INDEX batch_states ON batches (state)",
        """
        CREATE TABLE items (
            id INTEGER PRIMARY KEY,
            batch TEXT NOT NULL,
            number INTEGER NOT NULL,
            custom_id TEXT NOT NULL,
            line BLOB NOT NULL,
            worker TEXT,
            retries INTEGER NOT NULL DEFAULT 0,
            ready_at REAL NOT NULL DEFAULT 0,
            failed INTEGER NOT NULL DEFAULT 0,
            result BLOB,
            UNIQUE (batch, custom_id)
        )
        """,
        "CREATE INDEX item_numbers ON items (batch, number)",
        "CREATE INDEX open_items ON items (batch, number) WHERE result IS NULL",
        "CREATE INDEX item_workers ON items (worker) WHERE worker IS NOT NULL",
        "CREATE TABLE workers (id TEXT PRIMARY KEY, seen_at REAL NOT NULL) WITHOUT ROWID",
        """
        CREATE TABLE item_usage (
            id INTEGER PRIMARY KEY,
            batch TEXT NOT NULL,
            custom_id TEXT NOT NULL,
            usage BLOB NOT NULL,
            UNIQUE (batch, custom_id)
        )
        """,
        """
        CREATE TABLE files (
            id TEXT PRIMARY KEY,
            client TEXT NOT NULL,
            name TEXT NOT NULL,
            purpose TEXT NOT NULL,
            created_at REAL NOT NULL,
            expires_at REAL NOT NULL,
            size INTEGER NOT NULL
        ) WITHOUT ROWID
        """,
        "CREATE INDEX file_clients ON files (client, created_at, id)",
    ),
)
RESPONSES: Steps = (
    (
        # Numbers grow from one write to the next. Sums of sizes are read from the indexes alone.
        """
        CREATE TABLE responses (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            client TEXT NOT NULL,
            put_at REAL NOT NULL,
            size INTEGER NOT NULL,
            content BLOB NOT NULL
        )
        """,
        "CREATE INDEX response_clients ON responses (client, size)",
        "CREATE INDEX response_ages ON responses (put_at)",
        "CREATE INDEX response_sizes ON responses (size)",
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
