"""Anthropic's error object.

Source: Anthropic's API reference, "Errors", 2026-11.
"""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.dialects.dialect import ErrorFacts
from modegate.dialects.json import encode

# Codes whose status differs from OpenAI's.
BY_CODE: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "model_not_found": (404, "not_found_error"),
        "backend_unavailable": (529, "overloaded_error"),
        "overloaded_error": (529, "overloaded_error"),
    }
)
BY_STATUS: Mapping[int, str] = MappingProxyType(
    {
        401: "authentication_error",
        402: "billing_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        429: "rate_limit_error",
        504: "timeout_error",
    }
)
FIRST_SERVER_ERROR = 500
# The tool runner of Anthropic's SDK asks for a thread, and sends the whole conversation to a server
# that refuses so (anthropic 2.14, lib/threads).
THREAD = "thread"
NO_THREADS: Mapping[str, object] = MappingProxyType(
    {"error_code": "thread_unsupported_request", "unsupported": [THREAD]}
)


def status_and_type(error: ErrorFacts) -> tuple[int, str]:
    """Returns the status and the type of an error."""
    if error.code in BY_CODE:
        return BY_CODE[error.code]
    other = "api_error" if error.status >= FIRST_SERVER_ERROR else "invalid_request_error"
    return error.status, BY_STATUS.get(error.status, other)


def error_event(error: ErrorFacts) -> bytes:
    """Returns the event that ends a stream which was cut."""
    _, kind = status_and_type(error)
    return b"event: error\ndata: %b\n\n" % error_body(error.message, kind)


def error_body(
    message: str, kind: str, request_id: str | None = None, param: str | None = None
) -> bytes:
    """Returns an error; with the request's id, where it is known.

    `param` names the parameter that was refused.
    """
    error: dict[str, object] = {"type": kind, "message": message}
    if param == THREAD:
        error["details"] = dict(NO_THREADS)
    body: dict[str, object] = {"type": "error", "error": error}
    if request_id is not None:
        body["request_id"] = request_id
    return encode(body)
