"""Threads that use the database, each with a connection of its own."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from modegate.adapters.postgres.connection import Connection, PostgresConnection
from modegate.adapters.postgres.options import PostgresOptions
from modegate.adapters.postgres.schema import Schema

T = TypeVar("T")


class DatabaseThreads:
    """At most `number` uses run at once; a connection is opened by the first that needs it."""

    def __init__(self, options: PostgresOptions, schema: Schema, number: int) -> None:
        self._threads = ThreadPoolExecutor(number, thread_name_prefix=f"postgres-{schema.part}")
        self._connections = [PostgresConnection(options, schema) for _ in range(number)]
        self._idle = deque(self._connections)

    def submit(self, work: Callable[[Connection], T], timeout_s: float) -> "Future[T]":
        """Runs some work in a transaction soon; each statement may take `timeout_s`."""
        return self._threads.submit(self._run, work, timeout_s)

    def close(self) -> None:
        """Ends all uses and closes the connections; blocks for moments. Idempotent."""
        for connection in self._connections:
            connection.interrupt()
        self._threads.shutdown(cancel_futures=True)
        for connection in self._connections:
            connection.close()

    def _run(self, work: Callable[[Connection], T], timeout_s: float) -> T:
        connection = self._idle.pop()  # the last one used is the likeliest to be open
        try:
            return connection.run(work, timeout_s)
        finally:
            self._idle.append(connection)
