"""Which addresses may be fetched from."""

import ipaddress

# Addresses that carry an IPv4 address in their last four bytes; RFC 6052.
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(address: str) -> bool:
    """Returns whether an address belongs to the public internet.

    Private, loopback, link-local (with the metadata services of clouds), shared, reserved and
    multicast addresses do not; nor does an IPv6 address that carries one of them.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(it.is_global and not it.is_multicast for it in _meant(found))


def _meant(address: Address) -> tuple[Address, ...]:
    """Returns the address, or the IPv4 addresses that it carries."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in NAT64:
        return (ipaddress.IPv4Address(address.packed[-4:]),)
    carried = address.sixtofour or (address.teredo and address.teredo[1])
    return (address, carried) if carried else (address,)
