"""From the client library's exceptions to the errors of the tree."""

import aiohttp

from modegate.adapters.openai_sdk import errors


class translate_errors:  # noqa: N801 - used as a function
    """No exception of the transport gets out; its text may name hosts.

    A class and no generator, which costs a request more.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, aiohttp.ConnectionTimeoutError):  # which is a TimeoutError too
            raise errors.unreachable() from error
        if isinstance(error, TimeoutError):
            raise errors.timed_out() from error
        if isinstance(error, (aiohttp.ClientError, OSError)):
            raise (_unreadable(error) if _has_answered(error) else errors.unreachable()) from error


def _has_answered(error: Exception) -> bool:
    """Whether bytes of an answer came; then the request may have been carried out."""
    if isinstance(error, aiohttp.ClientHttpProxyError):  # the proxy's answer, not the upstream's
        return False
    if isinstance(error, aiohttp.ServerDisconnectedError):  # with the part of a head that came
        return not isinstance(error.message, str)
    return isinstance(error, (aiohttp.ClientResponseError, aiohttp.ClientPayloadError))


def _unreadable(error: Exception) -> Exception:
    return errors.unreadable(f"no well-formed HTTP ({type(error).__name__})")
