"""Logs answers that could not be used."""

import logging

from modegate.domain.errors import UpstreamInvalidResponseError
from modegate.domain.errors.catalogue import upstream as errors

log = logging.getLogger(__name__)


class _Reporting:
    """A context without state. A class, because a generator costs more for each request."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, UpstreamInvalidResponseError):
            log.warning("upstream answer rejected: %s", error.reason)
        elif isinstance(error, TimeoutError):
            raise errors.timed_out() from error


reported = _Reporting()
"""A context that logs why an answer was rejected and converts `TimeoutError` to `GatewayError`."""
