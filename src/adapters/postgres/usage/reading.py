"""Reads rows and sums."""

from collections.abc import Collection, Mapping

from modegate.adapters.postgres.connection import Connection
from modegate.dialects.usage.row_statements import last_requests, page_of, read_rows, rows_where
from modegate.dialects.usage.sum_statements import read_sums, sums_of
from modegate.dialects.usage.tables import Statement, Tables
from modegate.domain.usage.query import RequestsQuery, UsageQuery
from modegate.domain.usage.row import UsageRow
from modegate.domain.usage.sums import UsageGroup

TABLES = Tables(
    rows="modegate_requests",
    hours="modegate_hours",
    days="modegate_days",
    groups="modegate_usage_groups",
)


def rows_by_id(connection: Connection, ids: Collection[int]) -> Mapping[int, UsageRow]:
    """Returns the rows that have some ids."""
    statement = rows_where(TABLES, "r.id = ANY(?)", [list(ids)])
    return {row.id: row for row in read_rows(_execute(connection, statement))}


def find_last_requests(connection: Connection, query: RequestsQuery) -> list[UsageRow]:
    """Returns the last rows that match, the newest first."""
    return read_rows(_execute(connection, last_requests(TABLES, query)))


def find_page(connection: Connection, after: int, limit: int) -> list[UsageRow]:
    """Returns rows with an id above `after`, by id."""
    return read_rows(_execute(connection, page_of(TABLES, after, limit)))


def find_sums(connection: Connection, query: UsageQuery, most: int) -> list[UsageGroup]:
    """Returns the sums of each group, at most `most`, sorted by the group's values."""
    return read_sums(query, _execute(connection, sums_of(TABLES, query, most)))


def _execute(connection: Connection, statement: Statement) -> list[tuple[object, ...]]:
    text, values = statement
    return connection.execute(text.replace("?", "%s").encode(), values).fetchall()
