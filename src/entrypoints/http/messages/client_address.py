"""Determines the client address of a request."""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

from modegate.entrypoints.http.messages.forwarded import nodes_of_x_forwarded_for

IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# An IPv6 address with zone, brackets and port; longer texts are invalid, and not cached.
MAX_NODE_CHARACTERS = 96
MAPPED_PREFIX_BITS = 96
# RFC 7239, 6: a port number, or an obfuscated port.
PORT = re.compile(r":(?:[0-9]{1,5}|_[A-Za-z0-9._-]+)")


def client_address(peer: str, forwarded: str | None, trusted: Sequence[IpNetwork]) -> str:
    """Returns the last untrusted address; `forwarded` is the value of X-Forwarded-For."""
    return last_untrusted(peer, nodes_of_x_forwarded_for([forwarded or ""]), trusted)[0]


def last_untrusted(
    peer: str, nodes: Sequence[str], trusted: Sequence[IpNetwork]
) -> tuple[str, bool]:
    """Returns the last address that is not a trusted proxy, and whether all nodes were valid.

    Each proxy appends its peer, so a client can forge everything before the last untrusted address.
    If a node is not an address, the result is the address of the proxy that sent it.
    """
    address = parse_node(peer)
    if address is None:
        return peer, True
    for node in reversed(nodes):
        if not is_trusted(address, trusted):
            break
        before = parse_node(node)
        if before is None:
            return str(address), False
        address = before
    return str(address), True


def shown(peer: str) -> str:
    """Returns the peer's address in normalised form; unchanged if it is not an address."""
    address = parse_node(peer)
    return peer if address is None else str(address)


def parse_network(text: str) -> IpNetwork:
    """Returns the network; IPv4-mapped IPv6 networks become IPv4, like the addresses of requests.

    Raises:
        ValueError: the text is neither an address nor a network.
    """
    network = ipaddress.ip_network(text)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None or network.prefixlen < MAPPED_PREFIX_BITS:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - MAPPED_PREFIX_BITS))


def is_trusted(address: IpAddress, trusted: Sequence[IpNetwork]) -> bool:
    """Returns whether the address belongs to a trusted proxy."""
    return any(address in network for network in trusted)


def parse_node(text: str) -> IpAddress | None:
    """Returns the address of a node without port and zone; None if it is not an address."""
    return _parse(text) if len(text) <= MAX_NODE_CHARACTERS else None


@lru_cache(maxsize=4096)
def _parse(text: str) -> IpAddress | None:
    host = _host(text)
    if ":" in host:
        host = host.partition("%")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _host(node: str) -> str:
    """Returns the host of a node without port and brackets; `""` if these are malformed."""
    if node.startswith("["):
        host, bracket, port = node[1:].partition("]")
        return host if bracket and (not port or PORT.fullmatch(port)) else ""
    if node.count(":") == 1:
        host = node.partition(":")[0]
        return host if PORT.fullmatch(node, len(host)) else ""
    return node
