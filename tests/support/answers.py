"""Answers of an HTTP server, byte by byte, and what a client has to make of each."""

from dataclasses import dataclass

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 5\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
BODY = b"hello"
CHUNKS = b"2\r\nhe\r\n3\r\nllo\r\n"
LAST = b"0\r\n"
END = b"\r\n"


@dataclass(frozen=True)
class Case:
    """What an upstream sends, and the outcome: a status with a body, or an error (None)."""

    raw: bytes
    body: bytes | None = BODY
    status: int = 200
    method: str = "POST"
    reusable: bool = True
    closes: bool = False  # whether the upstream closes the connection behind it


CASES = {
    "length": Case(OK + LENGTH + END + BODY),
    "no body": Case(OK + b"Content-Length: 0\r\n" + END, b""),
    "chunked": Case(OK + CHUNKED + END + CHUNKS + LAST + END),
    "no chunk": Case(OK + CHUNKED + END + LAST + END, b""),
    "to the end": Case(OK + END + BODY, reusable=False, closes=True),
    "to the end, empty": Case(OK + END, b"", reusable=False, closes=True),
    "HTTP/1.0": Case(b"HTTP/1.0 200 OK\r\n" + LENGTH + END + BODY, reusable=False),
    "HTTP/1.0 that stays": Case(
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + LENGTH + END + BODY
    ),
    "close": Case(OK + b"Connection: close\r\n" + LENGTH + END + BODY, reusable=False),
    "close, in a list": Case(
        OK + b"Connection: x, Close\r\n" + LENGTH + END + BODY, reusable=False
    ),
    "interim answers": Case(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
        + (OK + LENGTH + END + BODY)
    ),
    "204": Case(b"HTTP/1.1 204 No Content\r\n\r\n", b"", status=204),
    "204 with a length": Case(b"HTTP/1.1 204 No Content\r\n" + LENGTH + END, b"", status=204),
    "304": Case(b"HTTP/1.1 304 Not Modified\r\n" + LENGTH + END, b"", status=304),
    "HEAD": Case(OK + LENGTH + END, b"", method="HEAD", reusable=False),
    "HEAD with a body": Case(OK + LENGTH + END + BODY, b"", method="HEAD", reusable=False),
    "no reason": Case(b"HTTP/1.1 500\r\n" + LENGTH + END + BODY, status=500),
    "trailers": Case(OK + CHUNKED + END + CHUNKS + LAST + b"A: b\r\nX-Sum: 1\r\n" + END),
    "chunk extensions": Case(
        OK + CHUNKED + END + b'2;a=b;c="d"\r\nhe\r\n3 \r\nllo\r\n' + LAST + END
    ),
    "folded header": Case(OK + b"A: b\r\n c\r\n" + LENGTH + END + BODY),
    "line feeds alone": Case((OK + LENGTH + END).replace(b"\r", b"") + BODY),
    "blank lines before it": Case(END + END + OK + LENGTH + END + BODY),
    "an offer to switch": Case(
        OK + b"Upgrade: h2c\r\nConnection: upgrade\r\n" + LENGTH + END + BODY
    ),
    "two lengths": Case(OK + LENGTH + b"Content-Length: 6\r\n" + END + BODY, None),
    "one length twice": Case(OK + LENGTH + LENGTH + END + BODY, None),
    "two lengths in one": Case(OK + b"Content-Length: 5, 6\r\n" + END + BODY, None),
    "a length that is none": Case(OK + b"Content-Length: +5\r\n" + END + BODY, None),
    "a length that is too large": Case(OK + b"Content-Length: %d\r\n" % 2**65 + END, None),
    "length and chunked": Case(OK + LENGTH + CHUNKED + END + CHUNKS + LAST + END, None),
    "chunked and length": Case(OK + CHUNKED + LENGTH + END + CHUNKS + LAST + END, None),
    "chunked twice": Case(OK + CHUNKED + CHUNKED + END + CHUNKS + LAST + END, None),
    "another coding": Case(OK + b"Transfer-Encoding: gzip, chunked\r\n" + END + LAST + END, None),
    "a coding behind chunked": Case(
        OK + b"Transfer-Encoding: chunked, gzip\r\n" + END + BODY, None, closes=True
    ),
    "a length in a trailer": Case(OK + CHUNKED + END + CHUNKS + LAST + LENGTH + END, None),
    "101": Case(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", None
    ),
    "101 without an offer": Case(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", None),
    "a status below 100": Case(b"HTTP/1.1 099 X\r\n" + LENGTH + END + BODY, None),
    "no HTTP": Case(b"SSH-2.0-OpenSSH_9.2\r\n", None),
    "a control character": Case(OK + b"A: b\x00c\r\n" + LENGTH + END + BODY, None),
    "a carriage return in a value": Case(OK + b"A: b\rc\r\n" + LENGTH + END + BODY, None),
    "a blank before a colon": Case(OK + b"Content-Length : 5\r\n" + END + BODY, None),
    "a chunk that is too long": Case(OK + CHUNKED + END + b"2\r\nhello\r\n", None),
    "a size that is not hex": Case(OK + CHUNKED + END + b"zz\r\nhello\r\n", None),
    "a negative size": Case(OK + CHUNKED + END + b"-5\r\nhello\r\n", None),
    "half a head": Case((OK + LENGTH)[:-4], None, closes=True),
    "half a body": Case(OK + LENGTH + END + BODY[:-1], None, closes=True),
    "half a chunk": Case(OK + CHUNKED + END + CHUNKS[:-3], None, closes=True),
    "no last chunk": Case(OK + CHUNKED + END + CHUNKS, None, closes=True),
    "half a trailer": Case(OK + CHUNKED + END + CHUNKS + LAST + b"A:", None, closes=True),
    "an interim answer alone": Case(b"HTTP/1.1 100 Continue\r\n\r\n", None, closes=True),
}
