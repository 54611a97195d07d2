"""The sums of usage as JSON and CSV."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from modegate.domain.usage.query import DAY_MS, HOUR_MS, PERIODS, Group, UsageQuery
from modegate.domain.usage.row import NANO
from modegate.domain.usage.sums import Sums, UsageGroup

SUM_COLUMNS = (
    *("requests", "errors", "prompt_tokens", "cached_tokens", "cache_write_tokens"),
    *("completion_tokens", "reasoning_tokens", "total_tokens", "cost_usd", "unpriced_requests"),
    "estimated_requests",
)
# Spreadsheets take text that begins so for a formula.
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def usage_object(query: UsageQuery, found: Sequence[UsageGroup]) -> Mapping[str, object]:
    """Returns the answer to a query; times are Unix seconds."""
    return {
        "object": "list",
        "from": _seconds(query.start_ms),
        "to": _seconds(query.end_ms),
        "group_by": list(query.groups),
        "data": [_group_object(query, group) for group in found],
    }


def usage_csv(query: UsageQuery, found: Sequence[UsageGroup]) -> bytes:
    """Returns the answer to a query as CSV with a head; unknown values are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow((*query.groups, *SUM_COLUMNS))
    for group in found:
        writer.writerow(map(_cell, _group_object(query, group).values()))
    return text.getvalue().encode("utf-8", "replace")


def _group_object(query: UsageQuery, group: UsageGroup) -> Mapping[str, object]:
    named = zip(query.groups, group.values, strict=True)
    return {str(it): _label(it, value) for it, value in named} | _sums_object(group.sums)


def _sums_object(sums: Sums) -> dict[str, object]:
    is_known = sums.priced > 0 or sums.requests == 0
    return {
        "requests": sums.requests,
        "errors": sums.errors,
        "prompt_tokens": sums.prompt_tokens,
        "cached_tokens": sums.cached_tokens,
        "cache_write_tokens": sums.cache_write_tokens,
        "completion_tokens": sums.completion_tokens,
        "reasoning_tokens": sums.reasoning_tokens,
        "total_tokens": sums.total_tokens,
        "cost_usd": sums.cost_nano_usd / NANO if is_known else None,
        "unpriced_requests": sums.unpriced,
        "estimated_requests": sums.estimated,
    }


def _label(group: Group, value: str | int | None) -> str | None:
    if group not in PERIODS or not isinstance(value, int):
        return None if value is None else str(value)
    is_day = group is Group.DAY
    at = datetime.fromtimestamp(value * (DAY_MS if is_day else HOUR_MS) / 1000, UTC)
    return at.strftime("%Y-%m-%d" if is_day else "%Y-%m-%dT%H:00:00Z")


def _cell(value: object) -> object:
    if isinstance(value, float):
        return f"{value:.9f}".rstrip("0").rstrip(".")
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value


def _seconds(time_ms: int) -> float:
    seconds, rest = divmod(time_ms, 1000)
    return time_ms / 1000 if rest else seconds
