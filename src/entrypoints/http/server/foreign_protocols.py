"""Other protocols than HTTP/1 that a wrong setting of a proxy or a client brings."""

from collections.abc import Mapping
from types import MappingProxyType

_PROXY = (
    "the PROXY protocol came to the HTTP port: switch it off at the proxy (send-proxy, "
    "proxy_protocol), and have it set X-Forwarded-For"
)
_TLS = (
    "TLS came to the HTTP port: use http:// there, and put a proxy in front where clients are to "
    "use https://"
)
_HTTP_2 = "HTTP/2 came to the HTTP port: have the proxy or the client speak HTTP/1.1"
OPENINGS: Mapping[bytes, str] = MappingProxyType(
    {
        b"PROXY ": _PROXY,
        b"\r\n\r\n\0\r\nQUIT\n": _PROXY,
        b"\x16\x03": _TLS,
        b"PRI * HTTP/2.0\r\n": _HTTP_2,
    }
)


def advice_for(data: bytes) -> str | None:
    """Returns what came and what to do, where a connection's first bytes open another protocol."""
    return next((advice for start, advice in OPENINGS.items() if data.startswith(start)), None)
