"""Reads error answers of OpenAI's API, and of those that are compatible with it."""

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from modegate.dialects.dialect import ErrorFacts
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import upstream as errors

FIRST_SERVER_ERROR = 500
UNKNOWN_CODE = "upstream_error"
# Anthropic's status for an overload, which clients of OpenAI's API do not know.
OVERLOADED, OVERLOADED_CODE = 529, "overloaded_error"
UNAVAILABLE = 503
KINDS: Mapping[int, str] = MappingProxyType(
    {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
)
# Of events, which seldom have a status.
NAMED: Mapping[str, int] = MappingProxyType(
    {
        OVERLOADED_CODE: OVERLOADED,
        "rate_limit_error": 429,
        "rate_limit_exceeded": 429,
    }
)
MESSAGES = ("message", "detail", "error", "msg")


def error_facts(status: int, body: bytes) -> ErrorFacts:
    """Returns the facts of an error; a body without a message is described by the status."""
    parts = list(_objects(_parsed(body)))
    message = next(
        (it for part in parts for name in MESSAGES if (it := _text(part.get(name)))),
        f"The upstream answered with status {status}.",
    )
    fallback = "server_error" if status >= FIRST_SERVER_ERROR else "invalid_request_error"
    kind = _first(parts, "type") or KINDS.get(status, fallback)
    code = _first(parts, "code") or UNKNOWN_CODE
    if status == OVERLOADED:
        status, code = UNAVAILABLE, OVERLOADED_CODE
    return ErrorFacts(
        status=status, kind=kind, code=code, message=message, param=_first(parts, "param")
    )


def error_of_event(error: object) -> GatewayError:
    """Returns the error that a stream reports."""
    parts = list(_objects({"error": error}))
    told = [part.get(name) for part in parts for name in ("code", "status", "type")]
    named = (NAMED[it] for it in told if isinstance(it, str) and it in NAMED)
    status = next((it for it in told if isinstance(it, int)), next(named, FIRST_SERVER_ERROR))
    message = next((it for part in parts for name in MESSAGES if (it := _text(part.get(name)))), "")
    return errors.reported(status, message)


def _parsed(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _objects(value: object) -> Iterator[Mapping[str, object]]:
    """Yields the inner object of an error first, then that around it."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, Mapping):
        yield from _objects(value.get("error"))
        yield value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _first(parts: list[Mapping[str, object]], name: str) -> str | None:
    return next((it for part in parts if (it := _text(part.get(name)))), None)
