"""Which proxy the environment wants between the gateway and its upstream."""

import ipaddress
from urllib.request import getproxies, proxy_bypass

from yarl import URL


def proxy_for(upstream: URL) -> URL | None:
    """What `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in either case.

    The address may hold a user and a password; it is not for any log. What is on this machine's own
    loopback, no proxy reaches.
    """
    if _on_loopback(upstream.host or "") or proxy_bypass(f"{upstream.host}:{upstream.port}"):
        return None
    proxies = getproxies()
    address = proxies.get(upstream.scheme) or proxies.get("all")
    if not address:
        return None
    return URL(address if "://" in address else f"http://{address}")


def _on_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
