"""What is on this machine alone."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether a host's name or address, with or without brackets, never leaves this machine."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return host == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
