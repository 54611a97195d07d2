"""Reads sums: of days where the query has whole days, else of hours, else of rows."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

from modegate.domain.usage.query import DAY_MS, HOUR_MS, PERIODS, Group, UsageQuery
from modegate.domain.usage.row import first_id
from modegate.domain.usage.sums import Sums, UsageGroup

DAYS, HOURS, ROWS = "days", "hours", "requests"
HOURS_IN_DAY = DAY_MS // HOUR_MS
SUM_OF_PERIODS = ", ".join(f"sum({it}) AS {it}" for it in Sums._fields)
# The sums of rows, as in `Sums.of`.
SUM_OF_ROWS = """
count(*) AS requests,
sum(status >= 400 OR error IS NOT NULL) AS errors,
sum(prompt_tokens) AS prompt_tokens,
sum(cached_tokens) AS cached_tokens,
sum(cache_write_tokens) AS cache_write_tokens,
sum(completion_tokens) AS completion_tokens,
sum(reasoning_tokens) AS reasoning_tokens,
coalesce(sum(cost_nano_usd), 0) AS cost_nano_usd,
count(cost_nano_usd) AS priced,
sum(cost_nano_usd IS NULL AND (status < 400 OR prompt_tokens + completion_tokens > 0)) AS unpriced,
sum(estimated) AS estimated
"""
TOTAL = ", ".join(f"coalesce(sum({it}), 0)" for it in Sums._fields)
PERIOD_OF = {
    (DAYS, Group.DAY): "period",
    (HOURS, Group.DAY): f"period / {HOURS_IN_DAY}",
    (HOURS, Group.HOUR): "period",
    (ROWS, Group.DAY): f"id / {first_id(DAY_MS)}",
    (ROWS, Group.HOUR): f"id / {first_id(HOUR_MS)}",
}


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a query's time in one table; `start` and `end` are values of its key."""

    table: str
    start: int
    end: int


def find_sums(database: sqlite3.Connection, query: UsageQuery, most: int) -> list[UsageGroup]:
    """Returns the sums of each group, at most `most`, sorted by the group's values."""
    statement, values = _statement(query)
    number = len(query.groups)
    rows = database.execute(f"{statement} LIMIT ?", (*values, most))
    return [
        UsageGroup(tuple(None if it == "" else it for it in row[:number]), Sums._make(row[number:]))
        for row in rows
    ]


def segments_of(query: UsageQuery) -> Iterator[Segment]:
    """Yields the segments of a query, which do not overlap, and none of which is empty."""
    used = {*query.groups, *query.filters}
    first, last = -(-query.start_ms // HOUR_MS), query.end_ms // HOUR_MS
    start, end = first_id(query.start_ms), first_id(query.end_ms)
    if Group.SESSION in used or first >= last:
        yield Segment(ROWS, start, end)
        return
    days = -(-first // HOURS_IN_DAY), last // HOURS_IN_DAY
    parts = [
        Segment(ROWS, start, first_id(first * HOUR_MS)),
        Segment(ROWS, first_id(last * HOUR_MS), end),
    ]
    if Group.HOUR in used or days[0] >= days[1]:
        parts.append(Segment(HOURS, first, last))
    else:
        parts.append(Segment(HOURS, first, days[0] * HOURS_IN_DAY))
        parts.append(Segment(DAYS, *days))
        parts.append(Segment(HOURS, days[1] * HOURS_IN_DAY, last))
    yield from (it for it in parts if it.start < it.end)


def _statement(query: UsageQuery) -> tuple[str, list[object]]:
    dimensions = [it for it in query.groups if it is not Group.SESSION and it not in PERIODS]
    filters = {group: value for group, value in query.filters.items() if group is not Group.SESSION}
    conditions = [f"g.{group} = ?" for group in filters]
    among = f"AND group_id IN (SELECT id FROM usage_groups g WHERE {' AND '.join(conditions)})"  # noqa: S608 - ours
    parts, values = [], list[object]()
    for segment in segments_of(query):
        key = "id" if segment.table == ROWS else "period"
        columns = ["group_id"] if dimensions else []
        columns += [
            f"{PERIOD_OF[segment.table, it]} AS {it}" for it in query.groups if it in PERIODS
        ]
        columns += ["session"] if Group.SESSION in query.groups else []
        sums = SUM_OF_ROWS if segment.table == ROWS else SUM_OF_PERIODS
        where = [f"{key} >= ? AND {key} < ?"]
        values += [segment.start, segment.end]
        if filters:
            where.append(among)
            values += filters.values()
        if (session := query.filters.get(Group.SESSION)) is not None:
            where.append("AND session = ?")
            values.append(session)
        grouped = ", ".join(it.partition(" AS ")[2] or it for it in columns)
        parts.append(
            f"SELECT {', '.join([*columns, sums])} FROM {segment.table} "  # noqa: S608 - ours
            f"WHERE {' '.join(where)} {_by(grouped)}"
        )
    names = ", ".join(f"g.{it}" if it in dimensions else str(it) for it in query.groups)
    join = "JOIN usage_groups g ON g.id = t.group_id" if dimensions else ""
    inner = " UNION ALL ".join(parts)
    order = f"GROUP BY {names} ORDER BY {names}" if names else ""
    return (
        f"SELECT {names + ', ' if names else ''}{TOTAL} FROM ({inner}) t {join} {order}",  # noqa: S608 - ours
        values,
    )


def _by(columns: str) -> str:
    return f"GROUP BY {columns}" if columns else ""
