"""Translates the HTTP client's exceptions to gateway errors."""

from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import upstream as errors
from modegate.http_client.errors import HttpClientError, InvalidResponseError


def translated(error: HttpClientError | TimeoutError) -> GatewayError:
    """Returns the gateway's error for an exception of the HTTP client."""
    if isinstance(error, TimeoutError):
        return errors.timed_out()
    if isinstance(error, InvalidResponseError):  # the request may have been executed
        return errors.unreadable(f"malformed HTTP ({error})")
    return errors.unreachable()
