"""The statements on the tables of limits; times are on the monotonic clock, which processes share."""

import sqlite3
import time
from collections.abc import Mapping

from modegate.adapters.sqlite.migrations import Steps
from modegate.domain.errors import RateLimitError
from modegate.domain.errors.catalogue import limits
from modegate.domain.quota import KeyLimits, Limit, Quota

LIMITS: Steps = (
    (
        # The requests of a window. `began` is the start of the part of the window that they share.
        """
        CREATE TABLE requests (
            name TEXT NOT NULL,
            subject TEXT NOT NULL,
            began REAL NOT NULL,
            last REAL NOT NULL,
            number INTEGER NOT NULL,
            until REAL NOT NULL,
            PRIMARY KEY (name, subject, began)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE permits (
            subject TEXT NOT NULL,
            owner TEXT NOT NULL,
            number INTEGER NOT NULL,
            PRIMARY KEY (subject, owner)
        ) WITHOUT ROWID
        """,
        "CREATE TABLE owners (owner TEXT PRIMARY KEY, until REAL NOT NULL) WITHOUT ROWID",
    ),
)
# Up to this limit, each request's time is stored. Under a higher one, requests in the same small part
# of the window share a row, and expire with the last of them.
MOST_TIMES = 1_000
COUNTED = """
SELECT coalesce(sum(number), 0), min(last), max(last) FROM requests
WHERE name = ? AND subject = ? AND last > ?
"""
COUNT = """
INSERT INTO requests VALUES (?, ?, ?, ?, 1, ?)
ON CONFLICT DO UPDATE SET last = excluded.last, number = number + 1, until = excluded.until
"""
OTHERS = """
SELECT coalesce(sum(number), 0) FROM permits JOIN owners USING (owner)
WHERE subject = ? AND owner != ? AND until > ?
"""


class LimitTables:
    """The limits as one process sees them. `held` has its permits by subject.

    The number of a process's permits is set, never incremented, so a row cannot drift.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self.held: dict[str, int] = {}
        self._saved: dict[str, int] = {}

    def save(self) -> None:
        """Notes the permits before a transaction."""
        self._saved = self.held.copy()

    def revert(self) -> None:
        """Sets the permits to those before a transaction."""
        self.held = self._saved

    def peek(self, database: sqlite3.Connection, limit: Limit, subject: str) -> Quota:
        """Returns the remaining quota."""
        now = time.monotonic()
        key = (limit.name, subject, now - limit.seconds)
        taken, _, last = database.execute(COUNTED, key).fetchone()
        return _quota(limit, taken, now if last is None else last + limit.seconds, now)

    def count(self, database: sqlite3.Connection, limit: Limit, subject: str) -> Quota:
        """Counts one request.

        Raises:
            RateLimitError: the limit is reached; the request is not counted.
        """
        now = time.monotonic()
        key = (limit.name, subject, now - limit.seconds)
        taken, first, last = database.execute(COUNTED, key).fetchone()
        until = now + limit.seconds
        if taken >= limit.requests:
            first, last = (now, now) if first is None else (first, last)
            quota = _quota(limit, taken, last + limit.seconds, now)
            raise limits.too_many_requests(limit, first + limit.seconds - now, quota)
        began = now
        if limit.requests > MOST_TIMES:
            part = limit.seconds / MOST_TIMES
            began = now // part * part
        database.execute(COUNT, (limit.name, subject, began, now, until))
        return _quota(limit, taken + 1, until, now)

    def admit(
        self,
        database: sqlite3.Connection,
        per_address: Limit,
        address: str,
        key: KeyLimits | None,
    ) -> Quota | RateLimitError:
        """Counts a request and acquires a permit. Returns the error, because the rest is kept."""
        try:
            quota = self.count(database, per_address, address)
            if key is None:
                return quota
            held = self.held.get(key.subject, 0)
            asked = (key.subject, self._owner, time.monotonic())
            (others,) = database.execute(OTHERS, asked).fetchone()
            if held + others >= key.permits:
                raise limits.too_many_at_once(key.permits)
            if key.rate is not None:
                quota = self.count(database, key.rate, key.subject).stricter_of(quota)
        except RateLimitError as error:
            return error
        self.hold(database, key.subject, held + 1)
        return quota

    def hold(self, database: sqlite3.Connection, subject: str, number: int) -> None:
        """Sets the number of permits that this process holds."""
        if number:
            self.held[subject] = number
            row = (subject, self._owner, number)
            database.execute("INSERT OR REPLACE INTO permits VALUES (?, ?, ?)", row)
        else:
            self.held.pop(subject, None)
            key = (subject, self._owner)
            database.execute("DELETE FROM permits WHERE subject = ? AND owner = ?", key)

    def release(self, database: sqlite3.Connection, subject: str | None) -> None:
        """Releases a permit, if there is one to release."""
        if subject is not None:
            self.hold(database, subject, self.held[subject] - 1)

    def forget(self, subject: str | None) -> None:
        """Releases a permit without the database, which the next renewal sets."""
        if subject is not None:
            self.held[subject] -= 1
            if not self.held[subject]:
                del self.held[subject]

    def renew(self, database: sqlite3.Connection, seconds: float) -> None:
        """Renews the lease of this process, sets its permits, and drops what has expired."""
        now = time.monotonic()
        lease = (self._owner, now + seconds)
        database.execute("INSERT OR REPLACE INTO owners VALUES (?, ?)", lease)
        self.set_all(database, self.held)
        database.execute("DELETE FROM owners WHERE until <= ?", (now,))
        database.execute("DELETE FROM permits WHERE owner NOT IN (SELECT owner FROM owners)")
        database.execute("DELETE FROM requests WHERE until <= ?", (now,))

    def set_all(self, database: sqlite3.Connection, held: Mapping[str, int]) -> None:
        """Replaces the permits of this process."""
        database.execute("DELETE FROM permits WHERE owner = ?", (self._owner,))
        rows = [(subject, self._owner, number) for subject, number in held.items()]
        database.executemany("INSERT INTO permits VALUES (?, ?, ?)", rows)

    def leave(self, database: sqlite3.Connection) -> None:
        """Releases all that this process holds."""
        self.held.clear()
        self.set_all(database, self.held)
        database.execute("DELETE FROM owners WHERE owner = ?", (self._owner,))


def _quota(limit: Limit, taken: int, empty_at: float, now: float) -> Quota:
    return Quota(limit.requests, max(0, limit.requests - taken), time.time() + empty_at - now)
