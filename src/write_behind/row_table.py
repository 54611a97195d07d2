"""What a writer needs of a database."""

from collections.abc import Sequence
from typing import Protocol

from modegate.domain.usage.row import UsageRow


class RowTable(Protocol):
    """Stores rows. All calls are made in the writer's thread, and may block within a bound."""

    def check(self) -> None:
        """Opens the database, and checks that it can be written.

        Raises:
            StorageError: it cannot; the cause is the reason.
        """
        ...

    def insert(self, rows: Sequence[UsageRow]) -> None:
        """Inserts the rows that are not there yet, all or nothing.

        A row that is there already was written by this writer before: its commit was reported as
        failed. A row whose id belongs to another row gets the next free id. A value that the
        database refuses is replaced.

        Raises:
            StorageError: the rows cannot be written now; its cause is the reason.
        """
        ...

    def close(self) -> None:
        """Closes the database. Idempotent; the next use opens it again."""
        ...
