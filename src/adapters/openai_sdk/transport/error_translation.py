"""Translates the HTTP client's exceptions to gateway errors."""

from modegate.domain.errors.catalogue import upstream as errors
from modegate.http_client.errors import HttpClientError, InvalidResponseError


class _Translation:
    """A context without state. A class, because a generator costs more for each request."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is None:
            return
        if isinstance(error, TimeoutError):
            raise errors.timed_out() from error
        if isinstance(error, InvalidResponseError):  # the request may have been executed
            raise errors.unreadable(f"malformed HTTP ({error})") from error
        if isinstance(error, HttpClientError):
            raise errors.unreachable() from error


translate_errors = _Translation()
"""A context that replaces all exceptions of the HTTP client; entered by all requests at once."""
