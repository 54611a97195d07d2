"""Writes rows and their sums, in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter

from modegate.adapters.postgres.connection import Connection
from modegate.adapters.postgres.schema import WRITE_LOCK
from modegate.adapters.postgres.usage.groups import Dimensions, GroupIds
from modegate.adapters.postgres.usage.reading import rows_by_id
from modegate.dialects.usage.row_statements import written_attempts
from modegate.domain.usage.hourly_sums import HourlySums, SumsRow
from modegate.domain.usage.placement import missing_rows
from modegate.domain.usage.row import UsageRow
from modegate.domain.usage.sums import Sums

# Writers of new rows run at the same time. Whoever compares with the rows that are there, or
# deletes some, runs alone.
LOCK_SHARED = "SELECT pg_advisory_xact_lock_shared(%s)"
LOCK_ALONE = "SELECT pg_advisory_xact_lock(%s)"
COLUMNS = (
    *("id", "group_id", *UsageRow._fields[8:25]),
    *("estimated", "attempts"),
)
COPY = f"COPY modegate_requests ({', '.join(COLUMNS)}) FROM STDIN"
ADD_SUMS = """
INSERT INTO {table} AS t SELECT * FROM unnest({arrays})
ON CONFLICT (period, group_id) DO UPDATE SET {changes}
"""


def _add_sums(table: str) -> bytes:
    arrays = ", ".join(["%s::bigint[]"] * (2 + len(Sums._fields)))
    changes = ", ".join(f"{it} = t.{it} + excluded.{it}" for it in Sums._fields)
    return ADD_SUMS.format(table=table, arrays=arrays, changes=changes).encode()


ADD_HOURS, ADD_DAYS = _add_sums("modegate_hours"), _add_sums("modegate_days")


class Insertion:
    """Inserts rows within a transaction of the caller."""

    def __init__(self, groups: GroupIds) -> None:
        self._groups = groups

    def insert(self, connection: Connection, rows: Sequence[UsageRow]) -> dict[Dimensions, int]:
        """Inserts new rows, and returns the ids of their groups.

        Raises:
            psycopg.errors.UniqueViolation: an id exists already.
        """
        connection.execute(LOCK_SHARED, [WRITE_LOCK])
        return self._insert(connection, rows)

    def insert_missing(
        self, connection: Connection, rows: Sequence[UsageRow]
    ) -> tuple[int, dict[Dimensions, int]]:
        """Inserts the rows that are not there yet; returns their number, and the ids of groups.

        A row whose id belongs to another row gets the next free id.
        """
        connection.execute(LOCK_ALONE, [WRITE_LOCK])

        def find(ids: Collection[int]) -> Mapping[int, UsageRow]:
            return rows_by_id(connection, ids)

        missing = missing_rows(rows, find)
        return len(missing), self._insert(connection, missing)

    def _insert(self, connection: Connection, rows: Sequence[UsageRow]) -> dict[Dimensions, int]:
        if not rows:
            return {}
        groups = self._groups.find(connection, (row[1:8] for row in rows))
        sums = HourlySums()
        with connection.cursor() as cursor, cursor.copy(COPY.encode()) as copy:
            for row in sorted(rows, key=itemgetter(0)):
                group = groups[row[1:8]]
                sums.add(row, group)
                copy.write_row((row[0], group, *row[8:25], row[25], written_attempts(row)))
        _add(connection, ADD_HOURS, [*sums.hours()])
        _add(connection, ADD_DAYS, [*sums.days()])
        return groups


def _add(connection: Connection, statement: bytes, sums: Sequence[SumsRow]) -> None:
    connection.execute(statement, [list(column) for column in zip(*sums, strict=True)])
