"""Where a request comes from."""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_address(peer: str, forwarded: str | None, trusted: Sequence[IpNetwork]) -> str:
    """The last address that no trusted proxy stands for.

    `forwarded` is the header `X-Forwarded-For`; each proxy adds its own peer at the end, so what is
    before the first that we do not trust may be invented.
    """
    address = _parsed(peer)
    hops = (forwarded or "").split(",") if trusted else []
    while hops and address is not None and any(address in network for network in trusted):
        before = _parsed(hops.pop())
        if before is None:
            break
        address = before
    return peer if address is None else str(address)


@lru_cache(maxsize=4096)
def _parsed(text: str) -> IpAddress | None:
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
