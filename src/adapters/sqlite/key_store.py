"""Keys of clients that outlive the process, without their secrets."""

import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from modegate.adapters.sqlite.database_file import DatabaseFile
from modegate.adapters.sqlite.database_thread import DatabaseThread
from modegate.adapters.sqlite.migrations import KEYS
from modegate.application.keys.codec import decode_key, encode_key
from modegate.application.ports.key_store import StoredKey
from modegate.domain.access.client_key import ClientKey, DigestKey
from modegate.domain.errors.catalogue import keys as errors

FILE = "keys.db"
DIGEST_KEY_FILE = "keys.secret"
DIGEST_KEY_BYTES = 32
SELECT = "SELECT id, revision, key FROM keys"
MICROSECONDS = 1_000_000

log = logging.getLogger(__name__)


class SqliteKeyStore:
    """Stores the keys in a folder that several processes may share.

    Nothing is created before the first key is made. Digests need the secret in a second file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = DatabaseFile(folder / FILE, KEYS)
        self._thread = DatabaseThread(self._file, "keys")

    async def digest_key(self) -> DigestKey:
        """Returns the secret of the folder, which is made on the first call."""
        return DigestKey(await self._thread.call(self._digest_key))

    async def load(self, after: int = 0) -> Sequence[StoredKey]:
        """Returns the keys with a revision above `after`."""
        return await self._thread.call(lambda: self._load(after))

    async def add(self, key: ClientKey) -> StoredKey:
        """Stores a new key."""
        return await self._thread.run(lambda db: _add(db, key))

    async def change(self, key_id: str, apply: Callable[[ClientKey], ClientKey]) -> StoredKey:
        """Changes a key in one transaction."""
        return await self._thread.call(lambda: self._change(key_id, apply))

    async def aclose(self) -> None:
        """Closes the database. Idempotent."""
        await self._thread.aclose()

    def _is_made(self) -> bool:
        """Returns whether there is a file of keys.

        Raises:
            OSError: that is unknown, because the folder cannot be read.
        """
        try:
            (self._folder / FILE).stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _load(self, after: int) -> list[StoredKey]:
        return _load(self._file.open(), after) if self._is_made() else []

    def _change(self, key_id: str, apply: Callable[[ClientKey], ClientKey]) -> StoredKey:
        if not self._is_made():
            raise errors.unknown()
        return _change(self._file.open(), key_id, apply)

    def _digest_key(self) -> bytes:
        path = self._folder / DIGEST_KEY_FILE
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            if self._is_made():
                log.error(
                    "%s is missing: no key that was made before works; rotate them, or restore it",
                    path,
                )
            _create(path)
        found = path.read_bytes()
        if len(found) != DIGEST_KEY_BYTES:
            raise ValueError(f"{path} must have {DIGEST_KEY_BYTES} bytes")
        return found


def _create(path: Path) -> None:
    """Writes a random secret; of several processes at once, the first one's counts.

    A link is never seen half-written, nor does it replace a file.
    """
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(DIGEST_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)


def _load(database: sqlite3.Connection, after: int) -> list[StoredKey]:
    rows = database.execute(f"{SELECT} WHERE revision > ?", (after,)).fetchall()
    return [StoredKey(decode_key(key_id, text), revision) for key_id, revision, text in rows]


def _add(database: sqlite3.Connection, key: ClientKey) -> StoredKey:
    with database:
        database.execute("BEGIN IMMEDIATE")
        return _put(database, key)


def _change(
    database: sqlite3.Connection, key_id: str, apply: Callable[[ClientKey], ClientKey]
) -> StoredKey:
    with database:
        database.execute("BEGIN IMMEDIATE")
        row = database.execute(f"{SELECT} WHERE id = ?", (key_id,)).fetchone()
        if row is None:
            raise errors.unknown()
        return _put(database, apply(decode_key(key_id, row[2])))


def _put(database: sqlite3.Connection, key: ClientKey) -> StoredKey:
    (last,) = database.execute("SELECT max(revision) FROM keys").fetchone()
    # Also above every revision of a file that was removed, which other processes have read.
    revision = max((last or 0) + 1, int(time.time() * MICROSECONDS))
    database.execute(
        "INSERT OR REPLACE INTO keys VALUES (?, ?, ?)", (key.id, revision, encode_key(key))
    )
    return StoredKey(key, revision)
