"""Detects protocols other than HTTP/1 that a misconfigured proxy or client sends."""

from collections.abc import Mapping
from types import MappingProxyType

_PROXY = (
    "PROXY protocol received on the HTTP port: disable it in the proxy (send-proxy, "
    "proxy_protocol), and set X-Forwarded-For there instead"
)
_TLS = (
    "TLS received on the HTTP port: use http://, or put a proxy with TLS in front for clients that "
    "use https://"
)
_HTTP_2 = "HTTP/2 received on the HTTP port: configure the proxy or the client to use HTTP/1.1"
OPENINGS: Mapping[bytes, str] = MappingProxyType(
    {
        b"PROXY ": _PROXY,
        b"\r\n\r\n\0\r\nQUIT\n": _PROXY,
        b"\x16\x03": _TLS,
        b"PRI * HTTP/2.0\r\n": _HTTP_2,
    }
)


def advice_for(data: bytes) -> str | None:
    """Returns a log message if the first bytes of a connection belong to another protocol."""
    return next((advice for start, advice in OPENINGS.items() if data.startswith(start)), None)
