"""Writes rows and their sums, in one transaction."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from modegate.adapters.sqlite.usage.groups import GroupIds
from modegate.adapters.sqlite.usage.rows import find_rows
from modegate.domain.usage.query import DAY_MS, HOUR_MS
from modegate.domain.usage.row import UsageRow, first_id, next_id
from modegate.domain.usage.sums import Sums

IDS_IN_HOUR = first_id(HOUR_MS)
HOURS_IN_DAY = DAY_MS // HOUR_MS
# One statement for so many rows, because Python's interpreter lock is released once a statement: a
# busy event loop gets it back for up to 5 ms. Measured with a busy thread: 55,000 rows/s instead of
# 20,000 with `executemany`, for half the CPU time.
ROWS_IN_STATEMENT = 250

# A column costs 0.25 us a row, most of all if it is None. Most rows have nothing but the first ones.
COMMON = (
    *("id", "group_id", "request_id", "prompt_tokens", "cached_tokens", "cache_write_tokens"),
    *("completion_tokens", "reasoning_tokens", "cost_nano_usd", "price_version", "status"),
    "seconds",
)
RARE = (
    *("session", "conversation", "agent", "parent_agent", "subagent", "error", "first_token_s"),
    *("estimated", "attempts"),
)
ADD_SUMS = """
INSERT INTO {table} VALUES ({marks}) ON CONFLICT (period, group_id) DO UPDATE SET {changes}
"""
NOTHING_RARE = (None,) * 7


def _insert(columns: Sequence[str], rows: int) -> str:
    row = f"({', '.join('?' * len(columns))})"
    return f"INSERT INTO requests ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"  # noqa: S608 - ours


INSERT_COMMON, INSERT_ALL = (
    (_insert(columns, 1), _insert(columns, ROWS_IN_STATEMENT))
    for columns in (COMMON, COMMON + RARE)
)


def _add_sums(table: str) -> str:
    marks = ", ".join("?" * (2 + len(Sums._fields)))
    changes = ", ".join(f"{it} = {it} + excluded.{it}" for it in Sums._fields)
    return ADD_SUMS.format(table=table, marks=marks, changes=changes)


ADD_HOURS, ADD_DAYS = _add_sums("hours"), _add_sums("days")


class Insertion:
    """Inserts rows. All calls are made in one thread."""

    def __init__(self) -> None:
        self._groups = GroupIds()

    def insert(self, database: sqlite3.Connection, rows: Sequence[UsageRow]) -> None:
        """Inserts new rows, all or nothing.

        Raises:
            sqlite3.IntegrityError: an id exists already.
            sqlite3.Error: the rows cannot be written.
        """
        with self._groups.transaction(database):
            self._insert(database, rows)

    def insert_missing(self, database: sqlite3.Connection, rows: Sequence[UsageRow]) -> int:
        """Inserts the rows that are not there yet, all or nothing, and returns their number.

        A row whose id belongs to another row gets the next free id.
        """
        with self._groups.transaction(database):
            missing = list(_missing(database, rows))
            self._insert(database, missing)
        return len(missing)

    def _insert(self, database: sqlite3.Connection, rows: Sequence[UsageRow]) -> None:
        common: list[tuple[object, ...]] = []
        complete: list[tuple[object, ...]] = []
        hours: dict[tuple[int, int], list[int]] = {}
        ids = self._groups.ids
        for row in rows:
            dimensions = row[1:8]
            group = ids.get(dimensions)
            if group is None:
                group = self._groups.add(database, dimensions)
            values = (row[0], group, row[8], *row[14:22], row[23])
            rare = (*row[9:14], row[22], row[24])
            if row[25] or row[26] or rare != NOTHING_RARE:
                attempts = json.dumps(row[26]) if row[26] else None
                complete.append((*values, *rare, int(row[25]), attempts))
            else:
                common.append(values)
            period = row[0] // IDS_IN_HOUR, group
            sums = hours.get(period)
            if sums is None:
                sums = hours[period] = [0] * len(Sums._fields)
            _add(sums, row)
        _execute(database, INSERT_COMMON, common)
        _execute(database, INSERT_ALL, complete)
        database.executemany(ADD_HOURS, [(*period, *sums) for period, sums in hours.items()])
        days = [(hour // HOURS_IN_DAY, group, *sums) for (hour, group), sums in hours.items()]
        database.executemany(ADD_DAYS, days)


def _execute(
    database: sqlite3.Connection, insert: tuple[str, str], values: Sequence[tuple[object, ...]]
) -> None:
    one, many = insert
    full = len(values) - len(values) % ROWS_IN_STATEMENT
    for at in range(0, full, ROWS_IN_STATEMENT):
        database.execute(many, [*chain.from_iterable(values[at : at + ROWS_IN_STATEMENT])])
    database.executemany(one, values[full:])


def _add(sums: list[int], row: UsageRow) -> None:
    """Adds a row to `sums`, as `Sums.plus` does, for a third of its cost."""
    sums[0] += 1
    if row[21] >= 400 or row[22] is not None:  # noqa: PLR2004 - as in `UsageRow.is_error`
        sums[1] += 1
    sums[2] += row[14]
    sums[3] += row[15]
    sums[4] += row[16]
    sums[5] += row[17]
    sums[6] += row[18]
    if (cost := row[19]) is not None:
        sums[7] += cost
        sums[8] += 1
    elif row.is_unpriced:
        sums[9] += 1
    if row[25]:
        sums[10] += 1


def _missing(database: sqlite3.Connection, rows: Sequence[UsageRow]) -> Iterator[UsageRow]:
    placed: dict[int, UsageRow] = {}
    for row in rows:
        free = _place(database, row, placed)
        if free is not None:
            placed[free.id] = free
            yield free


def _place(
    database: sqlite3.Connection, row: UsageRow, placed: dict[int, UsageRow]
) -> UsageRow | None:
    """Returns the row with the first free id; None if the row is there already."""
    content = row[1:]
    while True:
        present: Iterable[UsageRow] = (placed[row.id],) if row.id in placed else ()
        found = next(iter(present or find_rows(database, "r.id = ?", (row.id,))), None)
        if found is None:
            return row
        if found[1:] == content:
            return None
        row = row._replace(id=next_id(row))
