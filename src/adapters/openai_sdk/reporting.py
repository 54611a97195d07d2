"""Logs why there is no usable answer."""

import logging

from modegate.domain.errors import (
    BadUpstreamResponseError,
    UpstreamInvalidResponseError,
    UpstreamUnreachableError,
)
from modegate.domain.errors.catalogue import upstream as errors

log = logging.getLogger(__name__)


class _Reporting:
    """A context without state. A class, because a generator costs more for each request."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None:
            return
        if isinstance(error, UpstreamInvalidResponseError | BadUpstreamResponseError):
            log.warning("upstream answer rejected: %s", error.reason)
        elif isinstance(error, UpstreamUnreachableError) and error.__cause__ is not None:
            log.warning("upstream unreachable: %s", _causes(error.__cause__))
        elif isinstance(error, TimeoutError):
            raise errors.timed_out() from error


def _causes(error: BaseException) -> str:
    """Returns the client's own text, and the types of what caused it; their texts may be secret."""
    said, cause = str(error), error.__cause__
    while cause is not None:
        said, cause = f"{said} ({type(cause).__name__})", cause.__cause__
    return said


reported = _Reporting()
"""A context that logs why there is no answer, or no usable one, and converts `TimeoutError` to `GatewayError`."""
