"""Translates the outcome of a failed attempt to the facts that decide what follows it."""

from modegate.domain.credentials.retry_time import wait_asked_s
from modegate.domain.credentials.verdict import Failure
from modegate.domain.errors import (
    GatewayError,
    TurnTimeoutError,
    UpstreamInvalidResponseError,
    UpstreamUnreachableError,
)
from modegate.domain.routing.hints import is_out_of_quota, lacks_permission
from modegate.domain.upstream_response import UpstreamResponse

UPSTREAM_ERROR = "upstream_error"
OK = 200


def failure_of_error(error: GatewayError) -> Failure:
    """Returns the failure for an attempt without a usable response."""
    if isinstance(error, UpstreamUnreachableError | TurnTimeoutError):
        return Failure(code=error.code)
    status = error.status if isinstance(error, UpstreamInvalidResponseError) else None
    return Failure(code=error.code, status=status or OK)


def failure_of_response(response: UpstreamResponse, now: float) -> Failure:
    """Returns the failure for an error response; `now` is in Unix seconds."""
    body = response.body if isinstance(response.body, bytes) else b""
    return Failure(
        code=UPSTREAM_ERROR,
        status=response.status,
        body=body,
        retry_after_s=wait_asked_s(dict(response.headers), now),
        out_of_quota=is_out_of_quota(response.status, body),
        lacks_permission=lacks_permission(response.status, body),
    )
