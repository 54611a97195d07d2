"""Decides how the body of an answer ends; sans-I/O."""

from enum import Enum, auto

from modegate.http_client.errors import InvalidResponseError

NO_CONTENT, NOT_MODIFIED = 204, 304
FIRST_SUCCESS, FIRST_REDIRECT = 200, 300
CONTENT_LENGTH, TRANSFER_ENCODING = b"content-length", b"transfer-encoding"
LENGTH_SIZE, CODING_SIZE = len(CONTENT_LENGTH), len(TRANSFER_ENCODING)

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
    length = coding = None
    for name, value in headers:
        size = len(name)  # few names are as long, so that few are converted
        if size == LENGTH_SIZE and name.lower() == CONTENT_LENGTH:
            if length is not None:
                raise InvalidResponseError("contradictory framing")
            length = value
        elif size == CODING_SIZE and name.lower() == TRANSFER_ENCODING:
            if coding is not None or value.lower() != b"chunked":
                raise InvalidResponseError("unsupported transfer coding")
            coding = value
    if length is not None and coding is not None:
        raise InvalidResponseError("contradictory framing")
    if _is_bodiless(method, status):
        return Framing.BODILESS
    if coding is not None:
        return Framing.CHUNKED
    return Framing.TO_THE_END if length is None else Framing.LENGTH


def _is_bodiless(method: str, status: int) -> bool:
    if status in {NO_CONTENT, NOT_MODIFIED} or method == "HEAD":
        return True
    return method == "CONNECT" and FIRST_SUCCESS <= status < FIRST_REDIRECT
