"""Statements that read sums: of days where the query has whole days, else of hours, else of rows."""

from collections.abc import Iterable, Sequence
from typing import Any

from modegate.dialects.usage.tables import Statement, Tables
from modegate.domain.usage.query import DAY_MS, HOUR_MS, PERIODS, Group, UsageQuery
from modegate.domain.usage.row import first_id
from modegate.domain.usage.segments import HOURS_IN_DAY, Segment, Source, segments_of
from modegate.domain.usage.sums import Sums, UsageGroup

SUM_OF_PERIODS = ", ".join(f"sum({it}) AS {it}" for it in Sums._fields)
# The sums of rows, as in `Sums.of`.
SUM_OF_ROWS = """
count(*) AS requests,
count(*) FILTER (WHERE status >= 400 OR error IS NOT NULL) AS errors,
sum(prompt_tokens) AS prompt_tokens,
sum(cached_tokens) AS cached_tokens,
sum(cache_write_tokens) AS cache_write_tokens,
sum(completion_tokens) AS completion_tokens,
sum(reasoning_tokens) AS reasoning_tokens,
coalesce(sum(cost_nano_usd), 0) AS cost_nano_usd,
count(cost_nano_usd) AS priced,
count(*) FILTER (
    WHERE cost_nano_usd IS NULL AND (status < 400 OR prompt_tokens + completion_tokens > 0)
) AS unpriced,
count(*) FILTER (WHERE estimated) AS estimated
"""
TOTAL = ", ".join(f"CAST(coalesce(sum({it}), 0) AS BIGINT)" for it in Sums._fields)
PERIOD_OF = {
    (Source.DAYS, Group.DAY): "period",
    (Source.HOURS, Group.DAY): f"period / {HOURS_IN_DAY}",
    (Source.HOURS, Group.HOUR): "period",
    (Source.ROWS, Group.DAY): f"id / {first_id(DAY_MS)}",
    (Source.ROWS, Group.HOUR): f"id / {first_id(HOUR_MS)}",
}


def sums_of(tables: Tables, query: UsageQuery, most: int) -> Statement:
    """Returns what reads the sums of each group, at most `most`, sorted by the group's values."""
    dimensions = [it for it in query.groups if it is not Group.SESSION and it not in PERIODS]
    parts, values = [], list[object]()
    for segment in segments_of(query):
        part, its_values = _part(tables, query, segment, with_group=bool(dimensions))
        parts.append(part)
        values += its_values
    names = ", ".join(f"g.{it}" if it in dimensions else str(it) for it in query.groups)
    join = f"JOIN {tables.groups} g ON g.id = t.group_id" if dimensions else ""
    inner = " UNION ALL ".join(parts)
    order = f"GROUP BY {names} ORDER BY {_nulls_first(names)}" if names else ""
    return (
        f"SELECT {names + ', ' if names else ''}{TOTAL} FROM ({inner}) t {join} {order} LIMIT ?",  # noqa: S608 - ours
        [*values, most],
    )


def read_sums(query: UsageQuery, found: Iterable[Sequence[Any]]) -> list[UsageGroup]:
    """Returns the groups that the statement found."""
    number = len(query.groups)
    return [
        UsageGroup(tuple(None if it == "" else it for it in row[:number]), Sums._make(row[number:]))
        for row in found
    ]


def _part(tables: Tables, query: UsageQuery, segment: Segment, *, with_group: bool) -> Statement:
    is_rows = segment.source is Source.ROWS
    key = "id" if is_rows else "period"
    columns = ["group_id"] if with_group else []
    columns += [f"{PERIOD_OF[segment.source, it]} AS {it}" for it in query.groups if it in PERIODS]
    columns += ["session"] if Group.SESSION in query.groups else []
    where, values = [f"{key} >= ? AND {key} < ?"], list[object]((segment.start, segment.end))
    filters = {group: value for group, value in query.filters.items() if group is not Group.SESSION}
    if filters:
        conditions = " AND ".join(f"g.{group} = ?" for group in filters)
        where.append(f"AND group_id IN (SELECT id FROM {tables.groups} g WHERE {conditions})")  # noqa: S608 - ours
        values += filters.values()
    if (session := query.filters.get(Group.SESSION)) is not None:
        where.append("AND session = ?")
        values.append(session)
    table = {Source.ROWS: tables.rows, Source.HOURS: tables.hours, Source.DAYS: tables.days}
    grouped = ", ".join(it.partition(" AS ")[2] or it for it in columns)
    sums = SUM_OF_ROWS if is_rows else SUM_OF_PERIODS
    statement = f"SELECT {', '.join([*columns, sums])} FROM {table[segment.source]} "  # noqa: S608 - ours
    statement += f"WHERE {' '.join(where)} {f'GROUP BY {grouped}' if grouped else ''}"
    return statement, values


def _nulls_first(names: str) -> str:
    return ", ".join(f"{it} NULLS FIRST" for it in names.split(", "))
