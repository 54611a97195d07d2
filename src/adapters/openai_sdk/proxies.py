"""Selects the proxy for an upstream from the environment."""

from urllib.request import getproxies, proxy_bypass

from yarl import URL

from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.hosts import is_loopback
from modegate.domain.routing.upstream import Upstream

# The proxy schemes that the client library supports.
USABLE = frozenset({"http", "https"})


class ProxyChoice:
    """The proxy of each upstream, read from the environment once an origin."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str | None, int | None], URL | None] = {}

    def of(self, url: URL) -> URL | None:
        """As `proxy_for`; an error is not remembered."""
        origin = (url.scheme, url.host, url.port)
        if origin not in self._known:
            self._known[origin] = proxy_for(url)
        return self._known[origin]


def proxy_of(upstream: Upstream) -> URL | None:
    """Returns the proxy for an upstream; see `proxy_for`."""
    return proxy_for(URL(upstream.base_url))


def proxy_for(upstream: URL) -> URL | None:
    """Returns the proxy from `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in any case.

    The address may contain credentials and must not be logged. Loopback hosts never use a proxy.

    Raises:
        UpstreamUnreachableError: if the proxy is not supported, such as a SOCKS proxy.
    """
    if is_loopback(upstream.host or "") or proxy_bypass(f"{upstream.host}:{upstream.port}"):
        return None
    proxies = getproxies()
    address = proxies.get(upstream.scheme) or proxies.get("all")
    if not address:
        return None
    try:
        proxy = URL(address if "://" in address else f"http://{address}")
    except ValueError:
        raise errors.unusable_proxy() from None
    if proxy.scheme not in USABLE or not proxy.host:
        raise errors.unusable_proxy()
    return proxy
