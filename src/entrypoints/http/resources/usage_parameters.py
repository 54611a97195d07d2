"""Reads the query parameters of usage."""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal

import falcon.asgi

from modegate.application.usage.query import QueryUsage
from modegate.domain.errors.catalogue import usage as errors
from modegate.domain.errors.catalogue.usage import FROM, GROUP_BY, TO
from modegate.domain.usage.query import Group, RequestsQuery, UsageQuery

FORMAT = "format"
FORMATS = ("json", "csv")
LONGEST_VALUE = 1024
DEFAULT_LIMIT, MAX_LIMIT = 100, 1000
REQUEST_PARAMETERS = ("key", "status", "since", "limit", "id")
# A plus in a query is a space: `+02:00` without its percent-encoding.
RFC_3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:[Zz]|([+ -])(\d\d:\d\d))", re.ASCII
)
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
UNIX = re.compile(r"\d{1,10}(?:\.\d{1,9})?", re.ASCII)
STATUS = re.compile(r"[1-9]\d\d|[1-9]xx", re.ASCII)


def parameters_of(req: falcon.asgi.Request, known: Sequence[str]) -> Mapping[str, str]:
    """Returns the query parameters.

    Raises:
        InvalidRequestError: one is unknown, empty, too long, or given several times.
    """
    for name in req.params:
        if name not in known:
            raise errors.unknown_parameter(name, known)
    return {name: _one_value(name, value) for name, value in req.params.items()}


def names_of(filters: Sequence[Group]) -> Sequence[str]:
    """Returns the parameters of a query with these filters."""
    return (FROM, TO, GROUP_BY, FORMAT, *filters)


def read_usage_query(
    given: Mapping[str, str],
    usage: QueryUsage,
    groups: Sequence[Group],
    filters: Sequence[Group],
) -> UsageQuery:
    """Returns the query that the parameters ask for, of these groups and filters.

    Raises:
        InvalidRequestError: a parameter is invalid.
    """
    end = read_time(TO, given[TO]) if TO in given else None
    default_start, end_ms = usage.default_range(end)
    start_ms = read_time(FROM, given[FROM]) if FROM in given else default_start
    if start_ms >= end_ms:
        raise errors.empty_range()
    return UsageQuery(
        start_ms=start_ms,
        end_ms=end_ms,
        groups=_groups(given[GROUP_BY], groups) if GROUP_BY in given else (),
        filters={it: given[it] for it in filters if it in given},
    )


def read_format(given: Mapping[str, str]) -> str:
    """Returns the format of the answer, by default JSON.

    Raises:
        InvalidRequestError: it does not exist.
    """
    value = given.get(FORMAT, FORMATS[0])
    if value not in FORMATS:
        raise errors.wrong_choice(FORMAT, FORMATS)
    return value


def read_requests_query(given: Mapping[str, str]) -> RequestsQuery:
    """Returns the query for the last requests.

    Raises:
        InvalidRequestError: a parameter is invalid.
    """
    limit = given.get("limit", str(DEFAULT_LIMIT))
    if not (limit.isascii() and limit.isdecimal() and 1 <= int(limit[:9]) <= MAX_LIMIT):
        raise errors.wrong_limit(MAX_LIMIT)
    return RequestsQuery(
        limit=int(limit),
        since_ms=read_time("since", given["since"]) if "since" in given else 0,
        statuses=_statuses(given["status"]) if "status" in given else None,
        key=given.get("key"),
        request_id=given.get("id"),
    )


def read_time(name: str, text: str) -> int:
    """Returns a time in Unix milliseconds; a fraction of one counts as the next one.

    Raises:
        InvalidRequestError: it is no date, RFC 3339 time or Unix seconds.
    """
    if UNIX.fullmatch(text):
        return math.ceil(Decimal(text) * 1000)
    try:
        if DATE.fullmatch(text):
            return _unix_ms(datetime.fromisoformat(text).replace(tzinfo=UTC), "")
        if (found := RFC_3339.fullmatch(text)) is not None:
            day, time, sign, offset = found.groups()
            whole, _, fraction = time.partition(".")
            zone = "+00:00" if offset is None else f"{sign.replace(' ', '+')}{offset}"
            return _unix_ms(datetime.fromisoformat(f"{day}T{whole}{zone}"), fraction)
    except (ValueError, OverflowError):
        pass
    raise errors.wrong_time(name)


def _unix_ms(at: datetime, fraction: str) -> int:
    seconds = int(at.timestamp())
    if seconds < 0:
        raise ValueError(seconds)
    return seconds * 1000 + math.ceil(Decimal(f"0.{fraction or 0}") * 1000)


def _one_value(name: str, value: str | list[str]) -> str:
    if not (isinstance(value, str) and 0 < len(value) <= LONGEST_VALUE):
        raise errors.no_value(name, LONGEST_VALUE)
    return value


def _groups(text: str, known: Sequence[Group]) -> tuple[Group, ...]:
    names = [name.strip() for name in text.split(",")]
    if len({*names}) < len(names) or not {*names} <= {*known}:
        raise errors.wrong_groups(known)
    return tuple(map(Group, names))


def _statuses(text: str) -> tuple[int, int]:
    if not STATUS.fullmatch(text):
        raise errors.wrong_status()
    return int(text.replace("x", "0")), int(text.replace("x", "9"))
