"""Reads errors of Anthropic's Messages API."""

import re
from collections.abc import Mapping
from types import MappingProxyType

import orjson

from modegate.dialects.dialect import ErrorFacts
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import upstream as errors

UPSTREAM_ERROR = "upstream_error"
OVERLOADED, UNAVAILABLE, NOT_FOUND = 529, 503, 404
FIRST_SERVER_ERROR = 500
KINDS: Mapping[int, str] = MappingProxyType(
    {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
)
# The statuses of error types, which the events of a stream have without one.
# Source: Anthropic's reference, "Errors", 2026-11.
STATUSES: Mapping[str, int] = MappingProxyType(
    {
        "invalid_request_error": 400,
        "authentication_error": 401,
        "billing_error": 402,
        "permission_error": 403,
        "not_found_error": 404,
        "request_too_large": 413,
        "rate_limit_error": 429,
        "timeout_error": 504,
        "overloaded_error": 529,
    }
)
LONGEST_MESSAGE = 2000
REQUEST_ID = re.compile(r"[!-~]{1,128}")


def read_error(status: int, body: bytes) -> ErrorFacts:
    """Returns an error in OpenAI's terms; a body without one is described by the status."""
    try:
        kind, message = _facts(orjson.loads(body))
    except orjson.JSONDecodeError:
        kind, message = "", ""
    told = message or f"The upstream answered with status {status}."
    shown = UNAVAILABLE if status == OVERLOADED else status
    other = "server_error" if shown >= FIRST_SERVER_ERROR else "invalid_request_error"
    return ErrorFacts(
        status=shown,
        kind=KINDS.get(shown, other),
        code=_code_of(status, kind, message),
        message=told,
    )


def request_id_in(body: bytes) -> str | None:
    """Returns the id of the request in an error; None if it has none that a header may hold."""
    try:
        error = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    told = error.get("request_id") if isinstance(error, Mapping) else None
    return told if isinstance(told, str) and REQUEST_ID.fullmatch(told) else None


def error_of_event(event: Mapping[str, object]) -> GatewayError:
    """Returns the error that a stream reports."""
    kind, message = _facts(event)
    return errors.reported(STATUSES.get(kind, FIRST_SERVER_ERROR), message)


def _facts(value: object) -> tuple[str, str]:
    """Returns the type and the message of an error; empty where they are missing."""
    error = value.get("error") if isinstance(value, Mapping) else None
    if not isinstance(error, Mapping):
        return "", ""
    kind, message = error.get("type"), error.get("message")
    return (
        kind if isinstance(kind, str) else "",
        message[:LONGEST_MESSAGE] if isinstance(message, str) else "",
    )


def _code_of(status: int, kind: str, message: str) -> str:
    """Returns the code by which OpenAI's clients tell what to do."""
    if "prompt is too long" in message:
        return "context_length_exceeded"
    if kind == "not_found_error" and "model" in message:
        return "model_not_found"
    return "rate_limit_exceeded" if status == 429 else UPSTREAM_ERROR  # noqa: PLR2004
