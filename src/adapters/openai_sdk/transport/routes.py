"""The client's route to a URL."""

import base64

from yarl import URL

from modegate.domain.upstream_request import Target
from modegate.http_client.messages.route import Origin, Proxy, Route


def route_to(url: URL, proxy: URL | None) -> Route:
    """Returns the route to `url`, through the proxy if there is one."""
    return Route(_origin(url), None if proxy is None else Proxy(_origin(proxy), _basic(proxy)))


def target_path(base: URL, target: Target) -> str:
    """Returns the target's path below `base`, with its query."""
    path = base.raw_path.rstrip("/") + target.path
    return f"{path}?{target.query}" if target.query else path


def _origin(url: URL) -> Origin:
    return Origin(url.scheme, url.raw_host or "", url.port or 0)


def _basic(proxy: URL) -> str | None:
    """Returns the proxy's credentials as a header value; the URL has them percent-encoded."""
    if proxy.user is None and proxy.password is None:
        return None
    credentials = f"{proxy.user or ''}:{proxy.password or ''}"
    try:
        encoded = credentials.encode("latin-1")
    except UnicodeEncodeError:
        encoded = credentials.encode()
    return f"Basic {base64.b64encode(encoded).decode()}"
