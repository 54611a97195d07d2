"""Which proxy the environment wants between the gateway and its upstream."""

from urllib.request import getproxies, proxy_bypass

from yarl import URL


def proxy_for(upstream: URL) -> URL | None:
    """What `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in either case.

    The address may hold a user and a password; it is not for any log.
    """
    if proxy_bypass(f"{upstream.host}:{upstream.port}"):
        return None
    proxies = getproxies()
    address = proxies.get(upstream.scheme) or proxies.get("all")
    if not address:
        return None
    return URL(address if "://" in address else f"http://{address}")
