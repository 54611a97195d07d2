"""Statements that read rows, and what they return."""

import json
from collections.abc import Iterable, Sequence

from modegate.dialects.usage.tables import Statement, Tables
from modegate.domain.request_record import FailedAttempt
from modegate.domain.usage.query import RequestsQuery
from modegate.domain.usage.row import UsageRow, first_id

DIMENSIONS = UsageRow._fields[1:8]
OTHERS = UsageRow._fields[8:]
COLUMNS = (
    "r.id",
    *(f"nullif(g.{it}, '')" for it in DIMENSIONS),
    *(f"r.{it}" for it in OTHERS),
)


def rows_where(tables: Tables, where: str, values: Sequence[object], rest: str = "") -> Statement:
    """Returns what reads the rows that fulfil a condition on `r`, the row, and `g`, its group."""
    statement = (
        f"SELECT {', '.join(COLUMNS)} FROM {tables.rows} r "  # noqa: S608 - ours
        f"{tables.join} {tables.groups} g ON g.id = r.group_id WHERE {where} {rest}"
    )
    return statement, list(values)


def last_requests(tables: Tables, query: RequestsQuery) -> Statement:
    """Returns what reads the last rows that match, the newest first."""
    conditions, values = ["r.id >= ?"], [first_id(query.since_ms), *(query.statuses or ())]
    if query.statuses is not None:
        conditions.append("r.status BETWEEN ? AND ?")
    texts = {"g.key": query.key, "r.request_id": query.request_id}
    given = {column: text for column, text in texts.items() if text is not None}
    conditions += [f"{column} = ?" for column in given]
    return rows_where(
        tables,
        " AND ".join(conditions),
        (*values, *given.values(), query.limit),
        "ORDER BY r.id DESC LIMIT ?",
    )


def page_of(tables: Tables, after: int, limit: int) -> Statement:
    """Returns what reads rows with an id above `after`, by id."""
    return rows_where(tables, "r.id > ?", (after, limit), "ORDER BY r.id LIMIT ?")


def read_rows(found: Iterable[Sequence[object]]) -> list[UsageRow]:
    """Returns the rows that a statement found."""
    return [_read(values) for values in found]


def written_attempts(row: UsageRow) -> str | None:
    """Returns the failed attempts of a row as they are stored."""
    return json.dumps(row.attempts) if row.attempts else None


def _read(values: Sequence[object]) -> UsageRow:
    *others, estimated, attempts = values
    return UsageRow._make((*others, bool(estimated), _attempts(attempts)))


def _attempts(text: object) -> tuple[FailedAttempt, ...]:
    if not isinstance(text, str):
        return ()
    return tuple(FailedAttempt(*it) for it in json.loads(text))
