"""States of credentials that outlive the process, without their keys."""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from modegate.adapters.sqlite.database_file import DatabaseFile
from modegate.adapters.sqlite.database_thread import DatabaseThread
from modegate.adapters.sqlite.migrations import CREDENTIALS
from modegate.application.credentials.codec import decode_state, encode_state
from modegate.application.ports.credential_store import CredentialChange, StoredCredential

FILE = "credentials.db"
SELECT = "SELECT id, secret_digest, state, revision FROM credentials"
MICROSECONDS = 1_000_000


class SqliteCredentialStore:
    """Stores the states in a folder that several processes may share.

    Every statement runs in one thread of the store's own, in the order of the calls. A commit
    survives the end of the process, however it comes.
    """

    def __init__(self, folder: Path) -> None:
        self._thread = DatabaseThread(DatabaseFile(folder / FILE, CREDENTIALS), "credentials")

    async def load(self, after: int = 0) -> Sequence[StoredCredential]:
        """Returns the states with a revision above `after`."""
        return await self._thread.run(lambda db: _load(db, after))

    async def save(self, changes: Sequence[CredentialChange]) -> None:
        """Applies the changes in one transaction."""
        await self._thread.run(lambda db: _save(db, changes))

    async def aclose(self) -> None:
        """Closes the database. Idempotent."""
        await self._thread.aclose()


def _load(database: sqlite3.Connection, after: int) -> list[StoredCredential]:
    rows = database.execute(f"{SELECT} WHERE revision > ?", (after,)).fetchall()
    return [_decode(row) for row in rows]


def _save(database: sqlite3.Connection, changes: Sequence[CredentialChange]) -> None:
    with database:
        database.execute("BEGIN IMMEDIATE")
        (last,) = database.execute("SELECT max(revision) FROM credentials").fetchone()
        # Also above every revision of a file that was removed, which other processes have read.
        revision = max((last or 0) + 1, int(time.time() * MICROSECONDS))
        for change in changes:
            row = database.execute(f"{SELECT} WHERE id = ?", (change.id,)).fetchone()
            state = change.applied_to(None if row is None else _decode(row))
            database.execute(
                "INSERT OR REPLACE INTO credentials VALUES (?, ?, ?, ?)",
                (change.id, change.secret_digest, revision, encode_state(state)),
            )
            revision += 1


def _decode(row: tuple[str, str, str, int]) -> StoredCredential:
    credential_id, secret_digest, text, revision = row
    return StoredCredential(
        id=credential_id,
        secret_digest=secret_digest,
        state=decode_state(text),
        revision=revision,
    )
