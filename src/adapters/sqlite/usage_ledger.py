"""The usage ledger in a SQLite database."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from modegate.adapters.sqlite.condition import KIND, fault_in
from modegate.adapters.sqlite.database_file import DatabaseFile
from modegate.adapters.sqlite.migrations import USAGE
from modegate.adapters.sqlite.usage.reading import find_last_requests, find_page, find_sums
from modegate.adapters.sqlite.usage.table import SqliteRowTable
from modegate.application.ports.usage_ledger import MAX_GROUPS
from modegate.domain.errors.catalogue import usage as errors
from modegate.domain.health import LedgerState
from modegate.domain.storage import StorageFault, storage_error
from modegate.domain.usage.condition import LedgerCondition
from modegate.domain.usage.query import RequestsQuery, UsageQuery
from modegate.domain.usage.row import UsageRow
from modegate.domain.usage.sums import UsageGroup
from modegate.write_behind.writer import MAX_PENDING_ROWS, WriteBehind

T = TypeVar("T")

FILE = "usage.db"
# How long a read waits for this gateway's own rows, which a full disk may hold up.
FLUSH_S = 2.0
READ_TIMEOUT_S = 10.0
STEPS_BETWEEN_LOOKS = 100_000


class SqliteUsageLedger:
    """Stores usage in a folder that several processes may share.

    One thread writes, and another one reads, so that a long read delays no row.
    """

    def __init__(self, folder: Path, max_pending: int = MAX_PENDING_ROWS) -> None:
        self._table = SqliteRowTable(DatabaseFile(folder / FILE, USAGE))
        self._writer = WriteBehind(self._table, max_pending)
        self._reading = ThreadPoolExecutor(1, thread_name_prefix="usage-reader")
        self._file = DatabaseFile(folder / FILE, USAGE)
        self._closed = False
        self.add = self._writer.add  # one call less for each request

    def condition(self) -> LedgerCondition:
        """Returns the present condition."""
        return self._writer.condition()

    async def flush(self) -> None:
        """Waits until the rows are written."""
        if self.condition().state is LedgerState.OK:
            await self._flushed()

    async def sums(self, query: UsageQuery) -> Sequence[UsageGroup]:
        """Returns the sums of each group."""
        found = await self._read(lambda db: find_sums(db, query, MAX_GROUPS + 1))
        if len(found) > MAX_GROUPS:
            raise errors.too_many_groups(MAX_GROUPS)
        return found

    async def requests(self, query: RequestsQuery) -> Sequence[UsageRow]:
        """Returns the last rows that match."""
        return await self._read(lambda db: find_last_requests(db, query))

    async def page(self, after: int, limit: int) -> Sequence[UsageRow]:
        """Returns rows with an id above `after`."""
        return await self._read(lambda db: find_page(db, after, limit))

    async def put(self, rows: Sequence[UsageRow]) -> int:
        """Stores the rows that are not there yet."""
        return await _done(self._writer.submit(lambda: self._table.put(rows)))

    async def expire(self, before_ms: int, limit: int) -> int:
        """Deletes the oldest rows before a time."""
        return await _done(self._writer.submit(lambda: self._table.expire(before_ms, limit)))

    async def aclose(self) -> None:
        """Writes the waiting rows and closes the database. Idempotent."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._writer.close)
            await asyncio.get_running_loop().run_in_executor(self._reading, self._file.close)
            self._reading.shutdown()

    async def _flushed(self) -> None:
        await asyncio.wait({asyncio.wrap_future(self._writer.flushed())}, timeout=FLUSH_S)

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        if self._closed:
            raise storage_error(StorageFault.BROKEN)
        await self._flushed()
        running = asyncio.get_running_loop().run_in_executor(self._reading, self._in_thread, work)
        return await running

    def _in_thread(self, work: Callable[[sqlite3.Connection], T]) -> T:
        deadline = time.monotonic() + READ_TIMEOUT_S
        try:
            database = self._file.open()
            database.set_progress_handler(lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS)
            return work(database)
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorcode", 0) & KIND == sqlite3.SQLITE_INTERRUPT:
                raise errors.too_slow(READ_TIMEOUT_S) from None
            fault = fault_in(error)
            if fault is StorageFault.BROKEN:  # a new file may work
                self._file.close()
            raise storage_error(fault) from error
        except (AttributeError, TypeError, ValueError) as error:  # changed by hand
            raise storage_error(StorageFault.BROKEN) from error


async def _done(future: "Future[T]") -> T:
    return await asyncio.shield(
        asyncio.wrap_future(future)
    )  # a cancelled write is done all the same
