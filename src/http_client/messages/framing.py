"""Decides how the body of an answer ends; sans-I/O."""

from collections.abc import Iterable
from enum import Enum, auto

from modegate.http_client.errors import InvalidResponseError

NO_CONTENT, NOT_MODIFIED = 204, 304
FIRST_SUCCESS, FIRST_REDIRECT = 200, 300
CONTENT_LENGTH, TRANSFER_ENCODING = b"content-length", b"transfer-encoding"

Headers = list[tuple[bytes, bytes]]


class Framing(Enum):
    """What ends the body of an answer."""

    BODILESS = auto()
    LENGTH = auto()
    CHUNKED = auto()
    TO_THE_END = auto()


def framing_of(method: str, status: int, headers: Headers) -> Framing:
    """Returns the framing of a final answer to a request with `method`; RFC 9112, section 6.3.

    Raises:
        InvalidResponseError: if the headers contradict each other, or name a transfer coding other
            than one `chunked`.
    """
    lengths = _values(headers, CONTENT_LENGTH)
    codings = _values(headers, TRANSFER_ENCODING)
    if len(codings) > 1 or (codings and codings[0].lower() != b"chunked"):
        raise InvalidResponseError("unsupported transfer coding")
    if len(lengths) > 1 or (lengths and codings):
        raise InvalidResponseError("contradictory framing")
    if _is_bodiless(method, status):
        return Framing.BODILESS
    if codings:
        return Framing.CHUNKED
    return Framing.LENGTH if lengths else Framing.TO_THE_END


def _values(headers: Iterable[tuple[bytes, bytes]], wanted: bytes) -> list[bytes]:
    length = len(wanted)  # few names are as long, so that few are converted
    return [
        value.strip(b" \t")
        for name, value in headers
        if len(name) == length and name.lower() == wanted
    ]


def _is_bodiless(method: str, status: int) -> bool:
    if status in {NO_CONTENT, NOT_MODIFIED} or method == "HEAD":
        return True
    return method == "CONNECT" and FIRST_SUCCESS <= status < FIRST_REDIRECT
