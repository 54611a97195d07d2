"""Translates the client library's exceptions to gateway errors."""

import aiohttp

from modegate.domain.errors.catalogue import upstream as errors


class translate_errors:  # noqa: N801 - used as a function
    """A context that replaces all transport exceptions, because their text may name hosts.

    A class, because a generator costs more for each request.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, aiohttp.ConnectionTimeoutError):  # also a subclass of TimeoutError
            raise errors.unreachable() from error
        if isinstance(error, TimeoutError):
            raise errors.timed_out() from error
        if isinstance(error, (aiohttp.ClientError, OSError)):
            raise (_unreadable(error) if _has_answered(error) else errors.unreachable()) from error


def _has_answered(error: Exception) -> bool:
    """Returns whether part of an answer arrived; then the request may have been executed."""
    if isinstance(error, aiohttp.ClientHttpProxyError):  # the proxy's answer, not the upstream's
        return False
    if isinstance(error, aiohttp.ServerDisconnectedError):  # its message may be a partial head
        return not isinstance(error.message, str)
    return isinstance(error, (aiohttp.ClientResponseError, aiohttp.ClientPayloadError))


def _unreadable(error: Exception) -> Exception:
    return errors.unreadable(f"malformed HTTP ({type(error).__name__})")
