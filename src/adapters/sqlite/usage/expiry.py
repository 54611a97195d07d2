"""Deletes old rows, and the sums of hours, which last as long."""

import sqlite3

from modegate.domain.usage.query import HOUR_MS
from modegate.domain.usage.row import first_id

DELETE_ROWS = """
DELETE FROM requests WHERE id <= (
    SELECT max(id) FROM (SELECT id FROM requests WHERE id < ? ORDER BY id LIMIT ?)
)
"""


def expire(database: sqlite3.Connection, before_ms: int, limit: int) -> int:
    """Deletes the oldest rows before a time, at most `limit`; returns their number."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        deleted = database.execute(DELETE_ROWS, (first_id(before_ms), limit)).rowcount
        if deleted < limit:
            database.execute("DELETE FROM hours WHERE period < ?", (before_ms // HOUR_MS,))
    return deleted
