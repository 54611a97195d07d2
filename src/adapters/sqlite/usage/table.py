"""The writing side of the usage ledger."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import TypeVar

from modegate.adapters.sqlite.condition import fault_in
from modegate.adapters.sqlite.database_file import DatabaseFile
from modegate.adapters.sqlite.usage.expiry import expire
from modegate.adapters.sqlite.usage.insertion import Insertion
from modegate.domain.storage import StorageFault, storage_error
from modegate.domain.usage.cleaning import cleaned
from modegate.domain.usage.row import UsageRow

T = TypeVar("T")


class SqliteRowTable:
    """Writes the rows of a file. All calls are made in one thread."""

    def __init__(self, file: DatabaseFile) -> None:
        self._file = file
        self._insertion = Insertion()

    def check(self) -> None:
        """Opens the file."""
        self._with_database(lambda _: None)

    def insert(self, rows: Sequence[UsageRow]) -> None:
        """Inserts the rows that are not there yet, all or nothing."""
        self._with_database(lambda database: self._insert(database, rows))

    def put(self, rows: Sequence[UsageRow]) -> int:
        """Inserts the rows that are not there yet, all or nothing, and returns their number.

        Raises:
            StorageError: the file cannot be written.
        """
        return self._with_database(lambda database: self._insertion.insert_missing(database, rows))

    def expire(self, before_ms: int, limit: int) -> int:
        """Deletes the oldest rows before a time, at most `limit`; returns their number.

        Raises:
            StorageError: the file cannot be written.
        """
        return self._with_database(lambda database: expire(database, before_ms, limit))

    def close(self) -> None:
        """Closes the file. Idempotent; the next use opens it again."""
        self._file.close()

    def _insert(self, database: sqlite3.Connection, rows: Sequence[UsageRow]) -> None:
        try:
            self._insertion.insert(database, rows)
        except sqlite3.IntegrityError:
            # The id of another process's row, or a commit that was reported as failed.
            self._insertion.insert_missing(database, rows)
        except (OverflowError, UnicodeEncodeError):
            self._insertion.insert_missing(database, list(map(cleaned, rows)))

    def _with_database(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._file.open())
        except (sqlite3.Error, OSError) as error:
            fault = fault_in(error)
            if fault is StorageFault.BROKEN:  # a new file may work
                self._file.close()
            raise storage_error(fault) from error
