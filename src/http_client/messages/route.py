"""Where a request goes: the origin, and the proxy on the way; sans-I/O."""

from typing import NamedTuple

DEFAULT_PORTS = {"http": 80, "https": 443}


class Origin(NamedTuple):
    """A scheme, a host without brackets, and a port."""

    scheme: str
    host: str
    port: int

    @property
    def is_secure(self) -> bool:
        """Whether connections use TLS."""
        return self.scheme == "https"

    @property
    def netloc(self) -> str:
        """The host and port, as in `CONNECT`."""
        return f"{self._host}:{self.port}"

    @property
    def authority(self) -> str:
        """The host, and the port unless it is the default one, as in the header `Host`."""
        return self._host if self.port == DEFAULT_PORTS[self.scheme] else self.netloc

    @property
    def _host(self) -> str:
        return f"[{self.host}]" if ":" in self.host else self.host


class Proxy(NamedTuple):
    """A proxy, and the value of `Proxy-Authorization`, which is secret."""

    origin: Origin
    authorization: str | None = None

    def __repr__(self) -> str:
        return "Proxy(...)"  # a proxy's address may be as secret as its password


class Route(NamedTuple):
    """An origin, and the proxy through which it is reached. Each route has its own connections."""

    origin: Origin
    proxy: Proxy | None = None

    @property
    def first_hop(self) -> Origin:
        """The origin to which the connection is opened."""
        return self.origin if self.proxy is None else self.proxy.origin

    @property
    def is_tunnelled(self) -> bool:
        """Whether the proxy carries TLS to the origin, without reading it."""
        return self.proxy is not None and self.origin.is_secure
