"""What stops the parser at the head of a request."""

from collections.abc import Iterable

HEAD_LIMIT = 64 * 1024


class HeadTooLargeError(Exception):
    """The request line and the headers exceed `HEAD_LIMIT`."""


class UnknownVersionError(Exception):
    """The parser takes HTTP/0.9 and HTTP/2.0 in a request line; nothing behind it does."""


def size_of(url: bytes, headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Returns the bytes of a request's target and headers."""
    return len(url) + sum(len(name) + len(value) for name, value in headers)
