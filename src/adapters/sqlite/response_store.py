"""Kept responses in a folder that several processes may share; they outlive the processes."""

import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from modegate.adapters.sqlite.database_file import DatabaseFile
from modegate.adapters.sqlite.database_thread import DatabaseThread
from modegate.adapters.sqlite.migrations import RESPONSES
from modegate.application.ports.clock import Clock
from modegate.dialects.stored_response import decode_response, encode_response
from modegate.domain.access.client import ClientId
from modegate.domain.errors import StorageError
from modegate.domain.kept_response import DEFAULT_LIMITS, KeptResponse, ResponseLimits

T = TypeVar("T")

FILE = "responses.db"

log = logging.getLogger(__name__)


class SqliteResponseStore:
    """Keeps responses until they expire, or until newer ones need their place.

    Every statement runs in one thread of the store's own. A commit survives the end of the process.
    """

    def __init__(self, folder: Path, clock: Clock, limits: ResponseLimits = DEFAULT_LIMITS) -> None:
        self._path = folder / FILE
        self._clock = clock
        self._limits = limits
        self._thread = DatabaseThread(DatabaseFile(self._path, RESPONSES), "responses")

    async def put(self, response: KeptResponse) -> None:
        """Keeps a response in one transaction; the oldest make place."""
        try:
            await self._thread.run(lambda database: self._put(database, response))
        except StorageError:
            log.error("response %s could not be kept", response.id)  # noqa: TRY400
            raise

    async def find(self, response_id: str, client: ClientId) -> KeptResponse | None:
        """Returns a response of the client that has not expired."""
        return await self._in_file(lambda database: self._find(database, response_id, client))

    async def remove(self, response_id: str, client: ClientId) -> bool:
        """Deletes a response of the client."""

        def remove(database: sqlite3.Connection) -> bool:
            self._expire(database)
            statement = "DELETE FROM responses WHERE id = ? AND client = ?"
            return database.execute(statement, (response_id, client)).rowcount > 0

        return await self._in_file(remove) or False

    async def expire(self) -> int:
        """Deletes responses whose time is over."""
        return await self._in_file(self._expire) or 0

    async def aclose(self) -> None:
        """Closes the database. Idempotent."""
        await self._thread.aclose()

    async def _in_file(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Returns what `work` finds; None without a database, which is not created for it."""
        if not await self._thread.call(self._path.exists):
            return None
        return await self._thread.run(work)

    def _find(
        self, database: sqlite3.Connection, response_id: str, client: ClientId
    ) -> KeptResponse | None:
        row = database.execute(
            "SELECT content FROM responses WHERE id = ? AND client = ? AND put_at > ?",
            (response_id, client, self._expired_until()),
        ).fetchone()
        if row is None:
            return None
        try:
            return decode_response(row[0])
        except ValueError as error:
            log.warning("response %s cannot be read: %s", response_id, error)
            return None

    def _put(self, database: sqlite3.Connection, response: KeptResponse) -> None:
        limits, client = self._limits, response.client
        content = encode_response(response, limits.response_bytes)
        if content is None:
            return
        with database:
            database.execute("BEGIN IMMEDIATE")
            self._expire(database)
            database.execute(
                "INSERT OR REPLACE INTO responses (id, client, put_at, size, content)"
                " VALUES (?, ?, ?, ?, ?)",
                (response.id, client, self._clock.now(), len(content), content),
            )
            own = ("client = ?", client)
            _make_place(database, own, limits.of_client, limits.client_bytes)
            _make_place(database, ("TRUE",), limits.in_all, limits.all_bytes)

    def _expire(self, database: sqlite3.Connection) -> int:
        statement = "DELETE FROM responses WHERE put_at <= ?"
        return database.execute(statement, (self._expired_until(),)).rowcount

    def _expired_until(self) -> float:
        return self._clock.now() - self._limits.lifetime_s


def _make_place(
    database: sqlite3.Connection, which: Sequence[str], most: int, most_bytes: int
) -> None:
    """Deletes the oldest rows of `which` until at most so many, with so many bytes, are left."""
    where, *values = which
    counting = f"SELECT count(*), coalesce(sum(size), 0) FROM responses WHERE {where}"  # noqa: S608 - ours
    number, size = database.execute(counting, values).fetchone()
    oldest = f"SELECT number, size FROM responses WHERE {where} ORDER BY number LIMIT 1"  # noqa: S608 - ours
    while number > most or size > most_bytes:
        row, its_size = database.execute(oldest, values).fetchone()
        database.execute("DELETE FROM responses WHERE number = ?", (row,))
        number, size = number - 1, size - its_size
