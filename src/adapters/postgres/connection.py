"""A connection to the database, for one thread at a time."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow

from modegate.adapters.postgres.faults import ledger_error
from modegate.adapters.postgres.options import PostgresOptions
from modegate.adapters.postgres.schema import Schema, migrate
from modegate.domain.errors import StorageError

T = TypeVar("T")
Connection = psycopg.Connection[TupleRow]

CONNECT_S = 2
# The server ends a statement in time; a server that does not answer at all is cut off later.
GRACE_S = 2.0
MILLISECONDS = 1000
# A gateway that hangs in a transaction must not hold up the others for longer.
LIMITS = """
SET LOCAL statement_timeout = {ms};
SET LOCAL idle_in_transaction_session_timeout = 10000
"""
# What the address says comes before these.
DEFAULTS: dict[str, Any] = {"application_name": "modegate", "connect_timeout": CONNECT_S}
# For the caller, which can do something about them.
CALLER_HANDLES = (errors.UniqueViolation, errors.QueryCanceled, errors.DataError)


class PostgresConnection:
    """Opens the connection on first use, and again after it was lost. Each use is bounded in time."""

    def __init__(self, options: PostgresOptions, schema: Schema) -> None:
        self._options = options
        self._schema = schema
        self._connection: Connection | None = None
        self._socket: socket.socket | None = None
        self._interrupted = False

    def run(self, work: Callable[[Connection], T], timeout_s: float) -> T:
        """Runs the work in one transaction; again, if the connection was lost while it was idle.

        Raises:
            StorageError: the database is away, refuses the work, or has a later schema.
            psycopg.errors.UniqueViolation: a row is there already; nothing was changed.
            psycopg.errors.QueryCanceled: a statement took longer than `timeout_s`.
            psycopg.DataError: a value cannot be stored; nothing was changed.
        """
        if self._connection is not None:
            with suppress(_ConnectionLostError):
                return self._attempt(work, timeout_s)
        try:
            return self._attempt(work, timeout_s)
        except _ConnectionLostError as error:
            raise error.reported from error.reported.__cause__

    def interrupt(self) -> None:
        """Lets a use that is under way fail; from any thread."""
        self._interrupted = True
        if (used := self._socket) is not None:
            with suppress(OSError):  # the other end has closed it
                used.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Closes the connection. Idempotent; the next use opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _attempt(self, work: Callable[[Connection], T], timeout_s: float) -> T:
        try:
            connection = self._open(timeout_s)
            with self._limited(connection, timeout_s):
                return work(connection)
        except CALLER_HANDLES:
            raise
        except StorageError:
            self.close()
            raise
        except psycopg.Error as error:
            reported = ledger_error(error)
            is_lost = self._connection is None or self._connection.broken
            self.close()
            if is_lost and not self._interrupted:
                raise _ConnectionLostError(reported) from error
            raise reported from reported.__cause__

    def _open(self, timeout_s: float) -> Connection:
        if self._connection is None:
            parameters = DEFAULTS | conninfo_to_dict(self._options.url)
            # Without prepared statements, a pooler may give each transaction another connection.
            connection = psycopg.connect(autocommit=True, prepare_threshold=None, **parameters)
            self._interrupted = False
            self._connection = connection
            # A descriptor of our own: the library's may be closed, and its number reused.
            self._socket = socket.socket(fileno=os.dup(connection.fileno()))
            with self._limited(connection, timeout_s):
                migrate(connection, self._schema)
        return self._connection

    @contextmanager
    def _limited(self, connection: Connection, timeout_s: float) -> Iterator[None]:
        """A transaction with our limits of time, whatever those of the database or the role are."""
        with self._time_limit(timeout_s), connection.transaction():
            connection.execute(LIMITS.format(ms=int(timeout_s * MILLISECONDS)).encode())
            yield

    @contextmanager
    def _time_limit(self, seconds: float) -> Iterator[None]:
        """Cuts the connection if the server does not answer, even if its machine does."""
        timer = threading.Timer(seconds + GRACE_S, self.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


class _ConnectionLostError(Exception):
    """There is no connection; `reported` is the error for clients."""

    def __init__(self, reported: StorageError) -> None:
        super().__init__(str(reported))
        self.reported = reported
