"""Which failed items may be sent again, and when."""

from collections.abc import Mapping

from modegate.domain.batches.item import Retry
from modegate.domain.credentials.retry_time import wait_asked_s
from modegate.domain.errors import (
    BackendError,
    BusyError,
    GatewayError,
    Remedy,
    UpstreamUnreachableError,
)
from modegate.domain.routing.hints import is_out_of_quota

TRANSIENT = frozenset({408, 409, 429})
SERVER_ERRORS = range(500, 600)
SHOULD_RETRY = "x-should-retry"


def retry_of_response(
    status: int, headers: Mapping[str, str], body: bytes, now: float
) -> Retry | None:
    """Returns when an upstream's error response may be followed by a retry; None for never.

    `headers` has names in lower case. `now` is in Unix seconds. The statuses are those that
    OpenAI's SDKs retry.
    """
    told = headers.get(SHOULD_RETRY)
    if told == "false" or is_out_of_quota(status, body):
        return None
    if told == "true" or status in TRANSIENT or status in SERVER_ERRORS:
        return Retry(wait_asked_s(headers, now))
    return None


def retry_of_error(error: GatewayError) -> Retry | None:
    """Returns when an error of the gateway may be followed by a retry; None for never.

    What could be charged twice is not retried.
    """
    if error.is_repeatable is False or Remedy.RETRY_AT_COST in error.remedies:
        return None
    may_pass = error.is_repeatable or isinstance(error, BusyError | UpstreamUnreachableError)
    if may_pass or isinstance(error, BackendError):
        return Retry(error.retry_after)
    return None
