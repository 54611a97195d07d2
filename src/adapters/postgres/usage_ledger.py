"""The usage ledger of a fleet, in PostgreSQL."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

from psycopg import errors as database_errors

from modegate.adapters.postgres.connection import Connection, PostgresConnection
from modegate.adapters.postgres.options import PostgresOptions
from modegate.adapters.postgres.schema import USAGE
from modegate.adapters.postgres.threads import DatabaseThreads
from modegate.adapters.postgres.usage.reading import find_last_requests, find_page, find_sums
from modegate.adapters.postgres.usage.table import PostgresRowTable
from modegate.application.ports.usage_ledger import MAX_GROUPS
from modegate.domain.errors.catalogue import ledger
from modegate.domain.errors.catalogue import usage as errors
from modegate.domain.health import LedgerState
from modegate.domain.usage.condition import LedgerCondition
from modegate.domain.usage.query import RequestsQuery, UsageQuery
from modegate.domain.usage.row import UsageRow
from modegate.domain.usage.sums import UsageGroup
from modegate.write_behind.writer import MAX_PENDING_ROWS, WriteBehind

T = TypeVar("T")

# How long a read waits for this gateway's own rows, which a database that is away may hold up.
FLUSH_S = 2.0
READ_TIMEOUT_S = 10.0
READERS = 2
# With the wait for other reads, and for a connection.
LONGEST_READ_S = 15.0


class PostgresUsageLedger:
    """Stores usage in a database that several gateways share.

    One thread writes, and others read, so that a long read delays no row.
    """

    def __init__(self, options: PostgresOptions, max_pending: int = MAX_PENDING_ROWS) -> None:
        self._table = PostgresRowTable(PostgresConnection(options, USAGE))
        self._writer = WriteBehind(self._table, max_pending)
        self._readers = DatabaseThreads(options, USAGE, READERS)
        self._closed = False
        self.add = self._writer.add  # one call less for each request

    async def prepare(self) -> None:
        """Connects and migrates, so that the log says at once if that is impossible."""
        self._writer.connect()

    def condition(self) -> LedgerCondition:
        """Returns the present condition."""
        return self._writer.condition()

    async def flush(self) -> None:
        """Waits until the rows are written."""
        if self.condition().state is LedgerState.OK:
            await self._flushed()

    async def sums(self, query: UsageQuery) -> Sequence[UsageGroup]:
        """Returns the sums of each group."""
        found = await self._read(lambda it: find_sums(it, query, MAX_GROUPS + 1))
        if len(found) > MAX_GROUPS:
            raise errors.too_many_groups(MAX_GROUPS)
        return found

    async def requests(self, query: RequestsQuery) -> Sequence[UsageRow]:
        """Returns the last rows that match."""
        return await self._read(lambda it: find_last_requests(it, query))

    async def page(self, after: int, limit: int) -> Sequence[UsageRow]:
        """Returns rows with an id above `after`."""
        return await self._read(lambda it: find_page(it, after, limit))

    async def put(self, rows: Sequence[UsageRow]) -> int:
        """Stores the rows that are not there yet."""
        return await _done(self._writer.submit(lambda: self._table.put(rows)))

    async def expire(self, before_ms: int, limit: int) -> int:
        """Deletes the oldest rows before a time."""
        return await _done(self._writer.submit(lambda: self._table.expire(before_ms, limit)))

    async def aclose(self) -> None:
        """Writes the waiting rows and closes all connections. Idempotent."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._writer.close)
            await asyncio.to_thread(self._readers.close)

    async def _flushed(self) -> None:
        await asyncio.wait({asyncio.wrap_future(self._writer.flushed())}, timeout=FLUSH_S)

    async def _read(self, work: Callable[[Connection], T]) -> T:
        if self._closed:
            raise ledger.broken()
        await self._flushed()
        try:
            async with asyncio.timeout(LONGEST_READ_S):
                return await asyncio.wrap_future(self._readers.submit(work, READ_TIMEOUT_S))
        except (database_errors.QueryCanceled, TimeoutError):
            raise errors.too_slow(READ_TIMEOUT_S) from None


async def _done(future: "Future[T]") -> T:
    return await asyncio.shield(
        asyncio.wrap_future(future)
    )  # a cancelled write is done all the same
