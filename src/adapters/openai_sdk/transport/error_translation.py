"""Translates the HTTP client's exceptions to gateway errors."""

from modegate.domain.errors.catalogue import upstream as errors
from modegate.http_client.errors import HttpClientError, InvalidResponseError


class translate_errors:  # noqa: N801 - used as a function
    """A context that replaces all exceptions of the HTTP client.

    A class, because a generator costs more for each request.
    """

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
