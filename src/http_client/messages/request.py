"""Encodes the head of a request; sans-I/O."""

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import field

from modegate.http_client.errors import InvalidRequestError
from modegate.http_client.messages.route import Route
from modegate.lazy_dataclass import dataclass

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
# Only visible ASCII: a blank would end the target, and anything else has to be percent-encoded.
TARGET = re.compile(r"[\x21-\x7e]+")
CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# The client decides about these, because a second one could hide another request in the body.
OWN_HEADERS = frozenset(
    {"connection", "content-length", "expect", "host", "proxy-authorization", "te"}
    | {"trailer", "transfer-encoding", "upgrade"}
)
# RFC 9110, section 9.2.2, as far as a request without body may be repeated.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS"})
BODILESS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class SizedBody:
    """A body of `length` bytes that is read while it is sent."""

    pieces: AsyncIterator[bytes]
    length: int


Body = bytes | AsyncIterator[bytes] | SizedBody


@dataclass(frozen=True, slots=True)
class RequestHead:
    """The route and the encoded head of a request, without the framing of its body.

    It may contain credentials. Encode it once, and use it for all requests that differ in the body.
    """

    route: Route
    method: str
    encoded: bytes = field(repr=False)

    @property
    def is_idempotent(self) -> bool:
        """Whether the request may be repeated although the upstream may have executed it."""
        return self.method in IDEMPOTENT

    def framed(self, body: Body) -> bytes:
        """Returns the complete head for `body`: with its length, or for chunks if it has none."""
        if isinstance(body, SizedBody):
            return b"%bContent-Length: %d\r\n\r\n" % (self.encoded, body.length)
        if not isinstance(body, bytes):
            return self.encoded + b"Transfer-Encoding: chunked\r\n\r\n"
        if not body and self.method in BODILESS:
            return self.encoded + b"\r\n"
        return b"%bContent-Length: %d\r\n\r\n" % (self.encoded, len(body))


def encode_head(
    method: str, route: Route, path: str, headers: Iterable[tuple[str, str]]
) -> RequestHead:
    """Returns the head of a request for `path`, which includes the query.

    Raises:
        InvalidRequestError: if a part could be read as more than that part, or if a header is one
            that the client sets itself.
    """
    if not TOKEN.fullmatch(method):
        raise InvalidRequestError("invalid method")
    if not path.startswith("/") or not TARGET.fullmatch(path):
        raise InvalidRequestError("invalid request target")
    lines = [
        f"{method} {_target(route, path)} HTTP/1.1",
        f"Host: {_checked(route.origin.authority)}",
    ]
    if route.proxy is not None and not route.is_tunnelled and route.proxy.authorization:
        lines.append(f"Proxy-Authorization: {_checked(route.proxy.authorization)}")
    lines += [_line(name, value) for name, value in headers]
    return RequestHead(route, method, "".join(f"{line}\r\n" for line in lines).encode())


def encode_connect(route: Route) -> bytes:
    """Returns the request for a tunnel through the route's proxy to its origin."""
    netloc = _checked(route.origin.netloc)
    lines = [f"CONNECT {netloc} HTTP/1.1", f"Host: {netloc}"]
    if route.proxy is not None and route.proxy.authorization:
        lines.append(f"Proxy-Authorization: {_checked(route.proxy.authorization)}")
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def _target(route: Route, path: str) -> str:
    """Returns the target: with the address in front of it for a proxy that reads the request."""
    if route.proxy is None or route.is_tunnelled:
        return path
    return f"{route.origin.scheme}://{_checked(route.origin.authority)}{path}"


def _line(name: str, value: str) -> str:
    if not TOKEN.fullmatch(name):
        raise InvalidRequestError("invalid header name")
    if name.lower() in OWN_HEADERS:
        raise InvalidRequestError(f"the client sets the header {name} itself")
    if CONTROL.search(value):
        raise InvalidRequestError(f"invalid value of the header {name}")
    return f"{name}: {value}"


def _checked(value: str) -> str:
    """Returns a host or a credential if it has only visible ASCII characters and blanks inside."""
    if not value.isprintable() or not value.isascii() or value != value.strip():
        raise InvalidRequestError("invalid host or proxy credentials")
    return value
