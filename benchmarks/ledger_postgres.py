"""The usage ledger in PostgreSQL, for `python -m benchmarks.ledger --postgres ADDRESS`."""

from collections.abc import Sequence
from contextlib import closing

import psycopg

from modegate.adapters.postgres.connection import PostgresConnection
from modegate.adapters.postgres.options import PostgresOptions
from modegate.adapters.postgres.schema import USAGE
from modegate.adapters.postgres.usage.table import PostgresRowTable
from modegate.adapters.postgres.usage_ledger import PostgresUsageLedger
from modegate.domain.usage.row import UsageRow

TABLES = ("modegate_requests", "modegate_hours", "modegate_days", "modegate_usage_groups")


class PostgresSide:
    """A ledger in a database without one; its tables are dropped before each part."""

    def __init__(self, url: str) -> None:
        self._options = PostgresOptions(url)
        self._table: PostgresRowTable | None = None

    def open(self, part: str) -> PostgresUsageLedger:
        """Returns the ledger of a part, which is empty unless it has been written."""
        if self._table is None:
            self._drop()
        elif part != "filled":
            self.close()
        return PostgresUsageLedger(self._options)

    def write(self, rows: Sequence[UsageRow]) -> None:
        """Writes rows to the part that is filled."""
        if self._table is None:
            self._drop()
            self._table = PostgresRowTable(PostgresConnection(self._options, USAGE))
        self._table.insert(rows)

    def count(self, part: str) -> int:
        """Returns the number of stored rows."""
        del part
        return self._number("SELECT count(*) FROM modegate_requests")

    def size(self) -> int:
        """Returns the bytes of the part that is filled."""
        self._execute("ANALYZE")
        return self._number("SELECT pg_total_relation_size('modegate_requests')")

    def close(self) -> None:
        """Drops the tables."""
        if self._table is not None:
            self._table.close()
            self._table = None
        self._drop()

    def _drop(self) -> None:
        self._execute(f"DROP TABLE IF EXISTS modegate_schema, {', '.join(TABLES)}")

    def _number(self, statement: str) -> int:
        with closing(psycopg.connect(self._options.url, autocommit=True)) as connection:
            (found,) = connection.execute(statement.encode()).fetchone() or (0,)
        return int(found)

    def _execute(self, statement: str) -> None:
        with closing(psycopg.connect(self._options.url, autocommit=True)) as connection:
            connection.execute(statement.encode())
