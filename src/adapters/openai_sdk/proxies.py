"""Which proxy the environment wants between the gateway and its upstream."""

from urllib.request import getproxies, proxy_bypass

from yarl import URL

from modegate.adapters.openai_sdk import errors
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.domain.hosts import is_loopback

# What the client library can speak to a proxy.
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


def chosen_proxy(options: UpstreamOptions) -> URL | None:
    """As `proxy_for`, for the upstream that the options name."""
    return proxy_for(URL(options.address))


def proxy_for(upstream: URL) -> URL | None:
    """What `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in either case.

    The address may hold a user and a password; it is not for any log. What is on this machine's own
    loopback, no proxy reaches.

    Raises:
        UpstreamUnreachableError: nobody could use it, such as one that speaks SOCKS.
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
