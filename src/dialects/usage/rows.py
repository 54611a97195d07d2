"""The rows of the usage ledger as JSON, and the lines of an export."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson

from modegate.domain.request_record import FailedAttempt
from modegate.domain.usage.row import MAX_TOKENS, NANO, NUMBER_BITS, UsageRow

ID_DIGITS = 16
OPTIONAL_TEXTS = (
    *("key", "model", "used_model", "upstream", "credential", "mode", "endpoint", "request_id"),
    *("session", "conversation", "agent", "parent_agent", "subagent", "price_version", "error"),
)
COUNTS = (
    *("prompt_tokens", "cached_tokens", "cache_write_tokens", "completion_tokens"),
    "reasoning_tokens",
)
MAX_NUMBER = 2**53
MAX_STATUS = 999


class DamagedRowError(Exception):
    """A line is no row; the message says why."""


def row_object(row: UsageRow) -> dict[str, object]:
    """Returns one request; `time` is its end in Unix seconds."""
    cost = row.cost_nano_usd
    return {
        "id": f"{row.id:0{ID_DIGITS}x}",
        "time": row.time_ms / 1000,
        "request_id": row.request_id,
        "key": row.key,
        "mode": row.mode,
        "endpoint": row.endpoint,
        "model": row.model,
        "used_model": row.used_model,
        "upstream": row.upstream,
        "credential": row.credential,
        "status": row.status,
        "error": row.error,
        "duration_seconds": row.seconds,
        "first_token_seconds": row.first_token_s,
        "prompt_tokens": row.prompt_tokens,
        "cached_tokens": row.cached_tokens,
        "cache_write_tokens": row.cache_write_tokens,
        "completion_tokens": row.completion_tokens,
        "reasoning_tokens": row.reasoning_tokens,
        "cost_usd": None if cost is None else cost / NANO,
        "price_version": row.price_version,
        "estimated": bool(row.estimated),
        "session": row.session,
        "conversation": row.conversation,
        "agent": row.agent,
        "parent_agent": row.parent_agent,
        "subagent": row.subagent,
        "attempts": [it._asdict() for it in row.attempts],
    }


def line_of(row: UsageRow) -> bytes:
    """Returns a row as a line of JSON with its newline."""
    return orjson.dumps(row_object(row)) + b"\n"


def parse_line(line: bytes) -> UsageRow:
    """Returns the row of a line; fields that a later version may have added are ignored.

    Raises:
        DamagedRowError: the line is no row.
    """
    try:
        parsed = orjson.loads(line)
    except ValueError:
        raise DamagedRowError("it is not JSON") from None
    if not isinstance(parsed, dict):
        raise DamagedRowError("it is not a JSON object")
    try:
        return _row(parsed)
    except KeyError as missing:
        raise DamagedRowError(f"{missing.args[0]!r} is missing") from None


def _row(fields: Mapping[str, object]) -> UsageRow:
    cost = _optional_number(fields, "cost_usd")
    estimated = fields["estimated"]
    if not isinstance(estimated, bool):
        raise DamagedRowError("'estimated' is neither true nor false")
    row = UsageRow(
        id=_id(fields["id"]),
        cost_nano_usd=None if cost is None else round(cost * NANO),
        status=_count(fields, "status", MAX_STATUS),
        seconds=_number(fields, "duration_seconds"),
        first_token_s=_optional_number(fields, "first_token_seconds"),
        estimated=estimated,
        attempts=tuple(map(_attempt, _list(fields["attempts"]))),
    )
    others: dict[str, Any] = {name: _optional_text(fields, name) for name in OPTIONAL_TEXTS}
    others |= {name: _count(fields, name, MAX_TOKENS) for name in COUNTS}
    return row._replace(**others)


def _id(value: object) -> int:
    text = value if isinstance(value, str) else ""
    if len(text) != ID_DIGITS or not set(text) <= set("0123456789abcdef") or text[0] > "7":
        raise DamagedRowError("'id' is not the id of a row")
    if not (number := int(text, 16)) >> NUMBER_BITS:
        raise DamagedRowError("'id' is not the id of a row")
    return number


def _attempt(value: object) -> FailedAttempt:
    fields: Mapping[str, object] = value if isinstance(value, dict) else MappingProxyType({})
    credential, code = fields["credential"], fields["code"]
    if not (isinstance(credential, str) and isinstance(code, str)):
        raise DamagedRowError("'attempts' has a value that is not text")
    status = None if fields["status"] is None else _count(fields, "status", MAX_STATUS)
    return FailedAttempt(credential, code, status, _number(fields, "seconds"))


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise DamagedRowError("'attempts' is not a list")
    return value


def _optional_text(fields: Mapping[str, object], name: str) -> str | None:
    value = fields[name]
    if not (value is None or isinstance(value, str)):
        raise DamagedRowError(f"{name!r} is not text")
    return value or None


def _count(fields: Mapping[str, object], name: str, most: int) -> int:
    value = fields[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise DamagedRowError(f"{name!r} is not a whole number from 0 to {most}")
    return value


def _number(fields: Mapping[str, object], name: str) -> float:
    value = fields[name]
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not 0 <= value <= MAX_NUMBER
    ):
        raise DamagedRowError(f"{name!r} is not a number from 0")
    return float(value)


def _optional_number(fields: Mapping[str, object], name: str) -> float | None:
    return None if fields[name] is None else _number(fields, name)
