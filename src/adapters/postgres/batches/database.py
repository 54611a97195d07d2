"""The database of batches, as the queue and the files use it: each use in a thread, and bounded."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import psycopg

from modegate.adapters.postgres.batches.schema import BATCHES
from modegate.adapters.postgres.connection import Connection
from modegate.adapters.postgres.faults import ledger_error
from modegate.adapters.postgres.options import PostgresOptions
from modegate.adapters.postgres.threads import DatabaseThreads
from modegate.domain.errors.catalogue import ledger

T = TypeVar("T")

STATEMENT_S = 10.0
# With the wait for other uses of this process, and for a connection.
LONGEST_USE_S = 30.0


class BatchDatabase:
    """Runs work in transactions, at most `connections` at once."""

    def __init__(self, options: PostgresOptions, connections: int) -> None:
        self._threads = DatabaseThreads(options, BATCHES, connections)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Runs some work in one transaction; it may run twice if the connection was lost.

        Raises:
            StorageError: the database cannot be used, or not in time.
        """
        try:
            async with asyncio.timeout(LONGEST_USE_S):
                return await asyncio.wrap_future(self._threads.submit(work, STATEMENT_S))
        except psycopg.Error as error:
            reported = ledger_error(error)
            raise reported from reported.__cause__
        except TimeoutError as error:
            raise ledger.unreachable() from error

    async def aclose(self) -> None:
        """Closes all connections. Idempotent."""
        await asyncio.to_thread(self._threads.close)


def searched(given: str) -> str:
    """Returns an id that a client named as a text that PostgreSQL can compare.

    Ids of the gateway are in ASCII; no other one is found.
    """
    return given.encode("ascii", "replace").replace(b"\0", b"?").decode()
