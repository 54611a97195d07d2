"""Reads rows."""

import json
import sqlite3
from collections.abc import Iterator, Sequence

from modegate.domain.request_record import FailedAttempt
from modegate.domain.usage.query import RequestsQuery
from modegate.domain.usage.row import UsageRow, first_id

DIMENSION_COLUMNS = UsageRow._fields[1:8]
OTHER_COLUMNS = UsageRow._fields[8:]
SELECT = f"""
SELECT r.id, {", ".join(f"nullif(g.{it}, '')" for it in DIMENSION_COLUMNS)},
{", ".join(f"r.{it}" for it in OTHER_COLUMNS)}
FROM requests r CROSS JOIN usage_groups g ON g.id = r.group_id
"""  # noqa: S608 - ours


def find_rows(
    database: sqlite3.Connection, where: str, values: Sequence[object], rest: str = ""
) -> Iterator[UsageRow]:
    """Yields the rows that fulfil a condition on `r`, the request, and `g`, its group."""
    found = database.execute(f"{SELECT} WHERE {where} {rest}", values)
    return map(_decode, found)


def last_requests(database: sqlite3.Connection, query: RequestsQuery) -> list[UsageRow]:
    """Returns the last rows that match, the newest first."""
    conditions, values = ["r.id >= ?"], [first_id(query.since_ms), *(query.statuses or ())]
    if query.statuses is not None:
        conditions.append("r.status BETWEEN ? AND ?")
    texts = {"g.key": query.key, "r.request_id": query.request_id}
    given = {column: text for column, text in texts.items() if text is not None}
    conditions += [f"{column} = ?" for column in given]
    return list(
        find_rows(
            database,
            " AND ".join(conditions),
            (*values, *given.values(), query.limit),
            "ORDER BY r.id DESC LIMIT ?",
        )
    )


def page_of(database: sqlite3.Connection, after: int, limit: int) -> list[UsageRow]:
    """Returns rows with an id above `after`, by id."""
    return list(find_rows(database, "r.id > ?", (after, limit), "ORDER BY r.id LIMIT ?"))


def _decode(values: tuple[object, ...]) -> UsageRow:
    *others, estimated, attempts = values
    return UsageRow._make((*others, bool(estimated), _attempts(attempts)))


def _attempts(text: object) -> tuple[FailedAttempt, ...]:
    if not isinstance(text, str):
        return ()
    return tuple(FailedAttempt(*it) for it in json.loads(text))
