"""Reads rows and sums."""

import sqlite3
from collections.abc import Sequence

from modegate.dialects.usage.row_statements import last_requests, page_of, read_rows, rows_where
from modegate.dialects.usage.sum_statements import read_sums, sums_of
from modegate.dialects.usage.tables import Tables
from modegate.domain.usage.query import RequestsQuery, UsageQuery
from modegate.domain.usage.row import UsageRow
from modegate.domain.usage.sums import UsageGroup

# SQLite reads the tables of a `CROSS JOIN` in the order in which they are written.
TABLES = Tables(
    rows="requests", hours="hours", days="days", groups="usage_groups", join="CROSS JOIN"
)


def find_rows(database: sqlite3.Connection, where: str, values: Sequence[object]) -> list[UsageRow]:
    """Returns the rows that fulfil a condition."""
    return read_rows(database.execute(*rows_where(TABLES, where, values)))


def find_last_requests(database: sqlite3.Connection, query: RequestsQuery) -> list[UsageRow]:
    """Returns the last rows that match, the newest first."""
    return read_rows(database.execute(*last_requests(TABLES, query)))


def find_page(database: sqlite3.Connection, after: int, limit: int) -> list[UsageRow]:
    """Returns rows with an id above `after`, by id."""
    return read_rows(database.execute(*page_of(TABLES, after, limit)))


def find_sums(database: sqlite3.Connection, query: UsageQuery, most: int) -> list[UsageGroup]:
    """Returns the sums of each group, at most `most`, sorted by the group's values."""
    return read_sums(query, database.execute(*sums_of(TABLES, query, most)))
