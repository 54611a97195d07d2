"""Falcon error handlers, which render errors as responses."""

import logging
import math
from collections.abc import Mapping

import falcon
import falcon.asgi

from modegate.domain.errors import (
    AccessError,
    BackendCrashedError,
    GatewayError,
    InvalidKeyError,
    RateLimitError,
    UpstreamRefusalError,
)
from modegate.domain.routing.hints import hint_for
from modegate.entrypoints.http.messages.error_forms import error_form_of
from modegate.entrypoints.http.messages.errors import (
    FRAMEWORK,
    NOT_HTTP,
    ErrorForm,
    framework_error,
    internal_error,
    render_error,
)
from modegate.entrypoints.http.messages.upstream_head import write_head
from modegate.entrypoints.http.messages.wording import HEADERS, IN_PATH, PATH
from modegate.entrypoints.http.middleware.client_connection import connection_of
from modegate.entrypoints.http.middleware.request_log import record_of

TOO_MANY = 429
SHORTEST_RETRY_AFTER = 1
# The OpenAI SDKs obey `Retry-After` up to 60 s; for longer values, they wait half a second.
LONGEST_RETRY_AFTER = 60

log = logging.getLogger(__name__)


async def on_gateway_error(
    req: falcon.asgi.Request,
    resp: falcon.asgi.Response,
    error: GatewayError,
    params: Mapping[str, object],
) -> None:
    """Renders an error of the gateway, or relays an error response of the upstream."""
    record = record_of(req)
    record.error, record.hint = error.code, error.hint
    if isinstance(error, UpstreamRefusalError) and isinstance(error.response.body, bytes):
        record.hint = hint_for(error.response.status, error.response.body)
        write_head(resp, error.response, record.hint)
        resp.data = error.response.body
    else:
        wording = PATH if IN_PATH in params else HEADERS
        resp.status, resp.data = render_error(error, wording, _form_of(req))
        resp.content_type = falcon.MEDIA_JSON
    if isinstance(error, AccessError):
        resp.set_header("WWW-Authenticate", "Bearer")
    if isinstance(error, InvalidKeyError):
        record.key = error.label
    if isinstance(error, RateLimitError) and error.quota is not None:
        record.apply_quota(error.quota)
    _add_retry_headers(resp, error)


def _form_of(req: falcon.asgi.Request) -> ErrorForm:
    return error_form_of(req.path, connection_of(req).headers, record_of(req).request_id)


def _add_retry_headers(resp: falcon.asgi.Response, error: GatewayError) -> None:
    """Adds `Retry-After` and `X-Should-Retry`; the OpenAI SDKs obey both."""
    seconds = max(SHORTEST_RETRY_AFTER, math.ceil(error.retry_after or 0))
    has_time = error.retry_after is not None or error.is_repeatable
    if has_time or (resp.status_code == TOO_MANY and resp.get_header("Retry-After") is None):
        resp.set_header("Retry-After", str(seconds))
    if error.is_repeatable is False or (error.is_repeatable and seconds > LONGEST_RETRY_AFTER):
        resp.set_header("X-Should-Retry", "false")


async def on_framework_error(
    req: falcon.asgi.Request,
    resp: falcon.asgi.Response,
    error: falcon.HTTPError,
    params: Mapping[str, object],  # noqa: ARG001
) -> None:
    """Renders an error raised by the framework."""
    record_of(req).error, _ = FRAMEWORK.get(error.status_code, NOT_HTTP)
    resp.status = error.status
    resp.content_type = falcon.MEDIA_JSON
    resp.data = framework_error(error.status_code, _form_of(req))
    if error.headers:
        resp.set_headers(error.headers)
    allowed = resp.get_header("Allow") or ""
    if "GET" in allowed:  # every GET endpoint also answers HEAD
        resp.set_header("Allow", f"{allowed}, HEAD")


async def on_bug(
    req: falcon.asgi.Request,
    resp: falcon.asgi.Response,
    error: Exception,
    params: Mapping[str, object],  # noqa: ARG001
) -> None:
    """Logs an unexpected error; the response contains no details."""
    record_of(req).error = BackendCrashedError.code
    log.error(
        "unexpected %s in %s %s", type(error).__name__, req.method, req.uri_template, exc_info=error
    )
    resp.status = 500
    resp.content_type = falcon.MEDIA_JSON
    resp.data = internal_error(_form_of(req))
