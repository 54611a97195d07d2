from ipaddress import ip_network

import pytest

from modegate.entrypoints.http.messages.client_address import client_address, parse_network

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("127.0.0.1"), ip_network("2001:db8::/32"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("9.9.9.9", None, "9.9.9.9"),
        ("9.9.9.9", "1.1.1.1", "9.9.9.9"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        ("10.0.0.1", "6.6.6.6, 1.1.1.1, 10.0.0.2", "1.1.1.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "garbage", "10.0.0.1"),
        ("10.0.0.1", "1.1.1.1, garbage, 10.0.0.2", "10.0.0.2"),
        ("::ffff:127.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("127.0.0.1", "2001:DB9::1", "2001:db9::1"),
        ("127.0.0.1", "2001:db9:0::1", "2001:db9::1"),
        ("2001:db8::7", " ::ffff:1.1.1.1 ", "1.1.1.1"),
        ("a socket", "1.1.1.1", "a socket"),
    ],
)
def test_the_client_is_the_last_forwarded_address_not_of_a_trusted_proxy(
    peer: str, forwarded: str | None, address: str
) -> None:
    assert client_address(peer, forwarded, TRUSTED) == address


def test_forwarded_addresses_are_ignored_without_trusted_proxies() -> None:
    assert client_address("127.0.0.1", "1.1.1.1", ()) == "127.0.0.1"


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("::ffff:10.0.0.1", "10.0.0.1/32"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::/0", "::/0"),
    ],
)
def test_ipv4_mapped_networks_are_parsed_as_ipv4_networks(text: str, network: str) -> None:
    assert str(parse_network(text)) == network
