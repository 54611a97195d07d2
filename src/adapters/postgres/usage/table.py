"""The writing side of the usage ledger."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from psycopg import DataError, errors

from modegate.adapters.postgres.connection import Connection, PostgresConnection
from modegate.adapters.postgres.faults import ledger_error
from modegate.adapters.postgres.schema import WRITE_LOCK
from modegate.adapters.postgres.usage.groups import GroupIds
from modegate.adapters.postgres.usage.insertion import LOCK_ALONE, Insertion
from modegate.domain.usage.cleaning import cleaned
from modegate.domain.usage.query import HOUR_MS
from modegate.domain.usage.row import UsageRow, first_id

T = TypeVar("T")

# A batch of rows takes milliseconds; of a server that is very slow, it is written all the same.
WRITE_S = 20.0
DELETE_ROWS = """
DELETE FROM modegate_requests WHERE id <= (
    SELECT max(id) FROM (
        SELECT id FROM modegate_requests WHERE id < %s ORDER BY id LIMIT %s
    ) oldest
)
"""
DELETE_HOURS = "DELETE FROM modegate_hours WHERE period < %s"
UNSTORABLE = (DataError, UnicodeEncodeError)


class PostgresRowTable:
    """Writes rows. All calls are made in one thread."""

    def __init__(self, connection: PostgresConnection) -> None:
        self._connection = connection
        self._groups = GroupIds()
        self._insertion = Insertion(self._groups)

    def check(self) -> None:
        """Connects, migrates, and checks that the database can be written."""
        self._run(_check)

    def insert(self, rows: Sequence[UsageRow]) -> None:
        """Inserts the rows that are not there yet, all or nothing."""
        try:
            self._groups.remember(self._run(lambda it: self._insertion.insert(it, rows)))
        except errors.UniqueViolation:
            # The id of another gateway's row, or a commit whose acknowledgement was lost.
            self.put(rows)
        except UNSTORABLE:
            self.put(list(map(cleaned, rows)))

    def put(self, rows: Sequence[UsageRow]) -> int:
        """Inserts the rows that are not there yet, all or nothing, and returns their number.

        Raises:
            StorageError: the database cannot be written.
        """
        try:
            number, groups = self._run(lambda it: self._insertion.insert_missing(it, rows))
        except UNSTORABLE:
            rows = list(map(cleaned, rows))
            number, groups = self._run(lambda it: self._insertion.insert_missing(it, rows))
        self._groups.remember(groups)
        return number

    def expire(self, before_ms: int, limit: int) -> int:
        """Deletes the oldest rows before a time, at most `limit`; returns their number.

        Raises:
            StorageError: the database cannot be written.
        """

        def work(connection: Connection) -> int:
            connection.execute(LOCK_ALONE, [WRITE_LOCK])
            deleted = connection.execute(DELETE_ROWS, [first_id(before_ms), limit]).rowcount
            if deleted < limit:
                connection.execute(DELETE_HOURS, [before_ms // HOUR_MS])
            return deleted

        return self._run(work)

    def close(self) -> None:
        """Closes the connection. Idempotent; the next use opens it again."""
        self._connection.close()

    def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            return self._connection.run(work, WRITE_S)
        except errors.QueryCanceled as error:
            reported = ledger_error(error)
            raise reported from reported.__cause__


def _check(connection: Connection) -> None:
    (setting,) = connection.execute("SHOW transaction_read_only").fetchone() or ("off",)
    if setting == "on":
        raise errors.ReadOnlySqlTransaction("the database is read-only")
