"""Detects error objects in answers with status 200, and finds the status that fits each."""

from collections.abc import Iterator, Mapping

FIRST_ERROR, LAST_ERROR = 400, 599
BAD_GATEWAY = 502
# Fields of an error object, or of the object around it, that hold a status or an error name.
NUMBERS = ("code", "status", "status_code", "http_status")
NAMES = ("code", "type", "status")

# Error names of OpenAI, Anthropic, Google and compatible APIs.
STATUS_BY_NAME: Mapping[str, int] = {
    "invalid_request_error": 400,
    "invalid_request": 400,
    "badrequesterror": 400,
    "bad_request": 400,
    "invalid_argument": 400,
    "failed_precondition": 400,
    "context_length_exceeded": 400,
    "content_filter": 400,
    "content_policy_violation": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "unauthenticated": 401,
    "unauthorized": 401,
    "billing_error": 402,
    "permission_error": 403,
    "permission_denied": 403,
    "forbidden": 403,
    "not_found_error": 404,
    "notfounderror": 404,
    "not_found": 404,
    "model_not_found": 404,
    "request_too_large": 413,
    "insufficient_quota": 429,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "ratelimiterror": 429,
    "rate_limited": 429,
    "resource_exhausted": 429,
    "too_many_requests": 429,
    "server_error": 500,
    "internal_server_error": 500,
    "internalservererror": 500,
    "internal_error": 500,
    "internal": 500,
    "api_error": 500,
    "service_unavailable": 503,
    "unavailable": 503,
    "overloaded": 503,
    "timeout": 504,
    "timeout_error": 504,
    "deadline_exceeded": 504,
    "overloaded_error": 529,
}


def error_in(value: object) -> object | None:
    """Returns the error object in a JSON value, or None if there is none."""
    if isinstance(value, list):  # Google's API wraps a stream's error in a list
        return next(filter(None, map(error_in, value)), None)
    if not isinstance(value, Mapping):
        return None
    if value.get("object") == "error" or (value.get("type") == "error" and "choices" not in value):
        return value
    return value if value.get("error") else None


def status_of(error: object) -> int:
    """Returns the status that an error object names, or 502 if it names none."""
    parts = list(_parts(error))
    numbers = (_status_number(part.get(name)) for part in parts for name in NUMBERS)
    names = (STATUS_BY_NAME.get(str(part.get(name)).lower()) for part in parts for name in NAMES)
    return next(filter(None, (*numbers, *names)), BAD_GATEWAY)


def _parts(error: object) -> Iterator[Mapping[str, object]]:
    """Yields the error object first, then the objects around it."""
    if isinstance(error, list):
        for entry in error:
            yield from _parts(entry)
    elif isinstance(error, Mapping):
        yield from _parts(error.get("error"))
        yield error


def _status_number(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) == len("200"):
        value = int(value)
    if isinstance(value, int) and FIRST_ERROR <= value <= LAST_ERROR:
        return value
    return None
