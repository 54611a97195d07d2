"""Detection of loopback hosts."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Returns whether a host is `localhost` or a loopback address, with or without brackets."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
