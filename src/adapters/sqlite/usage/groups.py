"""The ids of groups: combinations of dimensions, which are stored once."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

Dimensions = tuple[str | None, ...]

MOST_GROUPS = 10_000
INSERT_GROUP = "INSERT OR IGNORE INTO usage_groups VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)"
FIND_GROUP = """
SELECT id FROM usage_groups WHERE key = ? AND model = ? AND used_model = ? AND upstream = ?
AND credential = ? AND mode = ? AND endpoint = ?
"""


class GroupIds:
    """Remembers the ids of groups, which are never deleted; `ids` has those that are known."""

    def __init__(self) -> None:
        self.ids: dict[Dimensions, int] = {}
        self._database: sqlite3.Connection | None = None

    @contextmanager
    def transaction(self, database: sqlite3.Connection) -> Iterator[None]:
        """A write transaction; if it fails, the ids that it added are forgotten."""
        if database is not self._database or len(self.ids) > MOST_GROUPS:
            self.ids.clear()
            self._database = database
        database.execute("BEGIN IMMEDIATE")
        try:
            yield
            database.execute("COMMIT")
        finally:
            if database.in_transaction:
                self.ids.clear()
                database.execute("ROLLBACK")

    def add(self, database: sqlite3.Connection, dimensions: Dimensions) -> int:
        """Returns the id of a group that is not known yet, which is stored if it is new."""
        stored = [it or "" for it in dimensions]
        database.execute(INSERT_GROUP, stored)
        (found,) = database.execute(FIND_GROUP, stored).fetchone()
        self.ids[dimensions] = int(found)
        return int(found)
