"""The queue of batches in a SQLite database, for the workers of one machine."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from modegate.adapters.sqlite.batches import claims, statements
from modegate.adapters.sqlite.batches.claims import Moment
from modegate.adapters.sqlite.database_file import DatabaseFile
from modegate.adapters.sqlite.database_thread import DatabaseThread
from modegate.adapters.sqlite.migrations import BATCHES
from modegate.application.ports.clock import Clock
from modegate.dialects.usage.rows import parse_line
from modegate.domain.access.client import ClientId
from modegate.domain.batches.batch import Batch
from modegate.domain.batches.queued_item import (
    ClaimedItem,
    FinishedItem,
    ItemUsage,
    ListedItem,
    QueuedItem,
    QueueLoad,
)

T = TypeVar("T")

FILE = "batches.db"
# Seconds; a worker sends several heartbeats in it.
LEASE_S = 10.0


class SqliteBatchQueue:
    """Keeps batches and their items in a folder that several processes may share.

    Nothing is created before the first batch or file.
    """

    def __init__(self, folder: Path, clock: Clock, lease_s: float = LEASE_S) -> None:
        self._path = folder / FILE
        self._clock = clock
        self._lease_s = lease_s
        self._thread = DatabaseThread(DatabaseFile(self._path, BATCHES), "batches")

    async def add(self, batch: Batch) -> None:
        """Stores a new batch."""
        await self._write(lambda db: statements.add(db, batch))

    async def get(self, batch_id: str) -> Batch | None:
        """Returns the batch, or None."""
        return await self._read(lambda db: statements.get(db, batch_id), None)

    async def find(
        self, client: ClientId, *, after: str | None = None, limit: int
    ) -> Sequence[Batch]:
        """Returns one page of a client's batches."""
        return await self._read(lambda db: statements.find(db, client, after, limit), [])

    async def change(self, batch_id: str, apply: Callable[[Batch], Batch]) -> Batch | None:
        """Replaces a batch in one transaction."""
        refusals: list[Exception] = []

        def applied(batch: Batch) -> Batch:
            try:
                return apply(batch)
            except Exception as error:
                refusals.append(error)
                raise

        try:
            return await self._write(lambda db: statements.change(db, batch_id, applied))
        except Exception:
            if refusals:  # the thread would call it a broken database
                raise refusals[0] from None
            raise

    async def put_items(self, batch_id: str, items: Sequence[QueuedItem]) -> None:
        """Adds items in one transaction."""
        await self._write(lambda db: statements.put_items(db, batch_id, items))

    async def claim(self, worker: str, limit: int) -> Sequence[ClaimedItem]:
        """Claims waiting items."""
        moment = self._moment()
        if not await self._read(lambda db: claims.has_open(db, moment), missing=False):
            return []
        return await self._write(lambda db: claims.claim(db, worker, limit, moment))

    async def heartbeat(self, worker: str) -> None:
        """Renews all claims of a worker."""
        await self._write(lambda db: claims.see(db, worker, self._moment()))

    async def retry(self, worker: str, batch_id: str, custom_id: str, delay_s: float) -> None:
        """Ends a claim after a failed attempt."""
        ready_at = self._clock.now() + delay_s
        statement = """
        UPDATE items SET worker = NULL, retries = retries + 1, ready_at = ?
        WHERE batch = ? AND custom_id = ? AND worker = ? AND result IS NULL
        """
        values = (ready_at, batch_id, custom_id, worker)
        await self._write(lambda db: db.execute(statement, values))

    async def give_back(self, worker: str) -> None:
        """Ends all claims of a worker."""

        def give_back(database: sqlite3.Connection) -> None:
            database.execute("UPDATE items SET worker = NULL WHERE worker = ?", (worker,))
            database.execute("UPDATE batches SET worker = NULL WHERE worker = ?", (worker,))
            database.execute("DELETE FROM workers WHERE id = ?", (worker,))

        if self._path.exists():
            await self._write(give_back)

    async def finish(self, finished: FinishedItem) -> bool:
        """Stores the first result of an item."""
        return await self._write(lambda db: statements.finish(db, finished))

    async def page(self, batch_id: str, after: int, limit: int) -> Sequence[ListedItem]:
        """Returns items by number."""
        statement = """
        SELECT number, custom_id, failed, result FROM items
        WHERE batch = ? AND number > ? ORDER BY number LIMIT ?
        """
        rows: list[Any] = await self._read(
            lambda db: db.execute(statement, (batch_id, after, limit)).fetchall(), []
        )
        return [
            ListedItem(number=number, custom_id=custom_id, is_failed=bool(failed), line=line)
            for number, custom_id, failed, line in rows
        ]

    async def take_due(self, worker: str) -> Batch | None:
        """Claims a batch for which there is something to do."""
        moment = self._moment()
        if not await self._read(lambda db: claims.has_due(db, moment), missing=False):
            return None
        return await self._write(lambda db: claims.take_due(db, worker, moment))

    async def leave(self, worker: str, batch_id: str, delay_s: float = 0.0) -> None:
        """Ends the claim of a worker on a batch."""
        statement = "UPDATE batches SET worker = NULL, due_at = ? WHERE id = ? AND worker = ?"
        values = (self._clock.now() + delay_s, batch_id, worker)
        await self._write(lambda db: db.execute(statement, values))

    async def unrecorded(self, limit: int) -> Sequence[ItemUsage]:
        """Returns usage that is to be recorded."""
        statement = "SELECT batch, custom_id, usage FROM item_usage ORDER BY id LIMIT ?"
        rows: list[Any] = await self._read(
            lambda db: db.execute(statement, (limit,)).fetchall(), []
        )
        return [
            ItemUsage(batch_id=batch_id, custom_id=custom_id, row=parse_line(row))
            for batch_id, custom_id, row in rows
        ]

    async def mark_recorded(self, usages: Sequence[ItemUsage]) -> None:
        """Forgets usage."""
        statement = "DELETE FROM item_usage WHERE batch = ? AND custom_id = ?"
        values = [(it.batch_id, it.custom_id) for it in usages]
        await self._write(lambda db: db.executemany(statement, values))

    async def load(self) -> QueueLoad:
        """Returns how many items wait and run."""
        moment = self._moment()
        return await self._read(lambda db: claims.load(db, moment), QueueLoad())

    async def expire(self, before: float, limit: int) -> int:
        """Deletes old batches, and workers that have been silent for long."""
        silent = self._clock.now() - 100 * self._lease_s

        def expire(database: sqlite3.Connection) -> int:
            database.execute("DELETE FROM workers WHERE seen_at < ?", (silent,))
            return statements.expire(database, before, limit)

        return await self._write(expire) if self._path.exists() else 0

    async def aclose(self) -> None:
        """Closes the database. Idempotent."""
        await self._thread.aclose()

    def _moment(self) -> Moment:
        return Moment(self._clock.now(), self._clock.time_of_day(), self._lease_s)

    async def _read(self, work: Callable[[sqlite3.Connection], T], missing: T) -> T:
        """Returns what `work` reads; `missing` without a database, which is not created for it."""

        def made() -> bool:
            return self._path.exists()

        return await self._thread.run(work) if await self._thread.call(made) else missing

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def in_transaction(database: sqlite3.Connection) -> T:
            with database:
                database.execute("BEGIN IMMEDIATE")
                return work(database)

        return await self._thread.run(in_transaction)
