"""Limits on requests, connections and processes."""

from modegate.domain.errors.busy_errors import CapacityError, RateLimitError, ShuttingDownError
from modegate.domain.errors.remedies import Remedy
from modegate.domain.quota import Limit, Quota

CONNECTIONS_RETRY_AFTER_S = 5.0


def too_many_requests(limit: Limit, retry_after: float, quota: Quota) -> RateLimitError:
    """Returns the error for a rate limit that is reached; `retry_after` is in seconds."""
    return RateLimitError(
        f"More than {limit.requests} requests of this {limit.name} in {limit.seconds:g} s.",
        remedies=(Remedy.SLOW_DOWN,),
        retry_after=retry_after,
        quota=quota,
    )


def too_many_wrong_keys(retry_after: float) -> RateLimitError:
    """Returns the error for an address that sent wrong keys too often; also for the right one."""
    return RateLimitError(
        "Too many wrong keys from this address.",
        remedies=(Remedy.RETRY_AFTER,),
        retry_after=retry_after,
    )


def too_many_at_once(places: int) -> RateLimitError:
    """Returns the error for a key whose concurrent requests reach their limit."""
    return RateLimitError(
        f"Too many concurrent requests, of which this key allows {places}.",
        remedies=(Remedy.WAIT_FOR_ANOTHER,),
    )


def no_slot(retry_after: float) -> CapacityError:
    """Returns the error for a turn that got no process in time; `retry_after` is in seconds."""
    return CapacityError(
        "All of the server's Claude processes are busy.",
        remedies=(Remedy.RETRY_LATER,),
        retry_after=retry_after,
    )


def too_many_connections() -> CapacityError:
    """Returns the error for a connection beyond the limit."""
    return CapacityError(
        "The server has as many connections as it can serve.",
        remedies=(Remedy.RETRY_LATER,),
        retry_after=CONNECTIONS_RETRY_AFTER_S,
    )


def shutting_down() -> ShuttingDownError:
    """Returns the error for a request during the shutdown."""
    return ShuttingDownError()
