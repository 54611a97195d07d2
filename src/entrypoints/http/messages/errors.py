"""Every error as OpenAI's error object, with its status."""

import json
import logging
import math
from collections.abc import Mapping
from types import MappingProxyType

import falcon
import falcon.asgi

from modegate.dialects.chat.response import escape_line_separators
from modegate.domain import errors
from modegate.domain.errors import (
    AccessError,
    GatewayError,
    InvalidKeyError,
    RateLimitError,
    UpstreamRefusalError,
)
from modegate.domain.upstream_exchange import ResponseHead
from modegate.entrypoints.http.middleware.request_log import apply_quota, request_log_of

INVALID = "invalid_request_error"
UNAUTHENTICATED = "authentication_error"
FORBIDDEN = "permission_error"
LIMITED = "rate_limit_error"
FAILED = "server_error"

STATUSES: Mapping[type[GatewayError], tuple[int, str]] = MappingProxyType(
    {
        errors.InvalidRequestError: (400, INVALID),
        errors.MissingParameterError: (400, INVALID),
        errors.UnsupportedParameterError: (400, INVALID),
        errors.ModelNotFoundError: (400, INVALID),
        errors.ContextLengthError: (400, INVALID),
        errors.InvalidHeaderError: (400, INVALID),
        errors.InvalidSessionIdError: (400, INVALID),
        errors.SessionNotFoundError: (404, INVALID),
        errors.PayloadTooLargeError: (413, INVALID),
        errors.UnsupportedMediaTypeError: (415, INVALID),
        errors.MissingKeyError: (401, UNAUTHENTICATED),
        errors.InvalidKeyError: (401, UNAUTHENTICATED),
        errors.ShuttingDownError: (503, FAILED),
        errors.SessionBusyError: (429, LIMITED),
        errors.RateLimitError: (429, LIMITED),
        errors.CapacityError: (429, LIMITED),
        errors.PassthroughNotConfiguredError: (503, FAILED),
        errors.PassthroughDisabledError: (503, FAILED),
        errors.BackendUnavailableError: (503, FAILED),
        errors.StorageError: (503, FAILED),
        errors.BackendAuthError: (401, UNAUTHENTICATED),
        errors.BackendForbiddenError: (403, FORBIDDEN),
        errors.BackendRateLimitedError: (429, LIMITED),
        errors.BackendFailedError: (502, FAILED),
        errors.BackendCrashedError: (500, FAILED),
        errors.OutputLimitError: (502, FAILED),
        errors.EmptyResponseError: (502, FAILED),
        errors.StreamCutError: (502, FAILED),
        errors.TurnTimeoutError: (504, FAILED),
        errors.UpstreamUnreachableError: (502, FAILED),
        errors.UpstreamInvalidResponseError: (502, FAILED),
    }
)
SINGLE = frozenset({"content-type"})  # ours, which may be there already, gives way
TOO_MANY = 429
SHORTEST_RETRY_AFTER = 1
# The OpenAI SDKs wait as long as `Retry-After` says up to 60 s, and beyond it half a second.
LONGEST_RETRY_AFTER = 60

FRAMEWORK: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        404: (
            "not_found",
            "There is nothing at this address: see /docs, or ask /v1/chat/completions.",
        ),
        405: ("method_not_allowed", "This address does not take this method: see Allow."),
        408: ("request_timeout", "The request did not arrive in time: send it faster."),
        431: ("headers_too_large", "The headers are larger than 64 KiB: send fewer, or shorter."),
    }
)
NOT_HTTP = (
    "invalid_request",
    "The request is not well-formed HTTP/1.1: check the client and any proxy.",
)

log = logging.getLogger(__name__)


def error_object(message: str, kind: str, code: str, param: str | None = None) -> bytes:
    """The body of an error: exactly these four fields."""
    error = {"message": message, "type": kind, "param": param, "code": code}
    text = json.dumps({"error": error}, ensure_ascii=False)
    return escape_line_separators(text).encode("utf-8", "replace")


def render_error(error: GatewayError) -> tuple[int, bytes]:
    """An error's status and body."""
    status, kind = STATUSES[type(error)]
    return status, error_object(error.message, kind, error.code, error.param)


def framework_error(status: int) -> bytes:
    """What the framework or the server refuses before any of our code sees it."""
    code, message = FRAMEWORK.get(status, NOT_HTTP)
    return error_object(message, INVALID, code)


def internal_error() -> bytes:
    """What a client learns of a fault of ours."""
    return error_object(
        "The server failed to handle the request: try again; the server's log says more.",
        FAILED,
        errors.BackendCrashedError.code,
    )


def stream_error(error: GatewayError) -> bytes:
    """The error of a stream that had begun, when a status can no longer tell it."""
    message = f"The answer is incomplete. {error.message}"
    _, kind = STATUSES.get(type(error), (502, FAILED))
    return error_object(message, kind, errors.StreamCutError.code)


def write_head(resp: falcon.asgi.Response, head: ResponseHead) -> None:
    """Status and headers of an upstream's answer."""
    resp.status = head.status
    for name, value in head.headers:
        (resp.set_header if name in SINGLE else resp.append_header)(name, value)


async def on_gateway_error(
    req: falcon.asgi.Request,
    resp: falcon.asgi.Response,
    error: GatewayError,
    params: Mapping[str, object],  # noqa: ARG001
) -> None:
    """A refusal or a failure of ours."""
    request_log_of(req).error = error.code
    if isinstance(error, UpstreamRefusalError):
        write_head(resp, error.answer)
        resp.data = error.answer.body
    else:
        resp.status, resp.data = render_error(error)
        resp.content_type = falcon.MEDIA_JSON
    if isinstance(error, AccessError):
        resp.set_header("WWW-Authenticate", "Bearer")
    if isinstance(error, InvalidKeyError):
        request_log_of(req).key = error.label
    if isinstance(error, RateLimitError) and error.quota is not None:
        apply_quota(req, error.quota)
    _say_when_to_repeat(resp, error)


def _say_when_to_repeat(resp: falcon.asgi.Response, error: GatewayError) -> None:
    """Tells programs whether the same request helps, and when; the OpenAI SDKs obey both headers."""
    seconds = max(SHORTEST_RETRY_AFTER, math.ceil(error.retry_after or 0))
    is_told = error.retry_after is not None or error.is_repeatable
    if is_told or (resp.status_code == TOO_MANY and resp.get_header("Retry-After") is None):
        resp.set_header("Retry-After", str(seconds))
    if error.is_repeatable is False or (error.is_repeatable and seconds > LONGEST_RETRY_AFTER):
        resp.set_header("X-Should-Retry", "false")


async def on_framework_error(
    req: falcon.asgi.Request,
    resp: falcon.asgi.Response,
    error: falcon.HTTPError,
    params: Mapping[str, object],  # noqa: ARG001
) -> None:
    """What the framework refuses by itself."""
    request_log_of(req).error, _ = FRAMEWORK.get(error.status_code, NOT_HTTP)
    resp.status = error.status
    resp.content_type = falcon.MEDIA_JSON
    resp.data = framework_error(error.status_code)
    if error.headers:
        resp.set_headers(error.headers)
    allowed = resp.get_header("Allow") or ""
    if "GET" in allowed:  # HEAD is answered wherever GET is
        resp.set_header("Allow", f"{allowed}, HEAD")


async def on_bug(
    req: falcon.asgi.Request,
    resp: falcon.asgi.Response,
    error: Exception,
    params: Mapping[str, object],  # noqa: ARG001
) -> None:
    """What should not happen; the log says where, the client learns nothing."""
    request_log_of(req).error = errors.BackendCrashedError.code
    log.error(
        "unexpected %s in %s %s", type(error).__name__, req.method, req.uri_template, exc_info=error
    )
    resp.status = 500
    resp.content_type = falcon.MEDIA_JSON
    resp.data = internal_error()
