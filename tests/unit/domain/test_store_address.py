"""The forms of a store's address."""

import pytest

from modegate.domain.store_address import Node, StoreAddress, Topology, parse_store_address

ONE = (Node("host", 6379),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://host", StoreAddress(topology=Topology.SINGLE, nodes=ONE)),
        ("REDIS://host/", StoreAddress(topology=Topology.SINGLE, nodes=ONE)),
        (
            "redis://host:7000/2",
            StoreAddress(topology=Topology.SINGLE, nodes=(Node("host", 7000),), database=2),
        ),
        (
            "redis://me:p%40ss@[::1]:7000",
            StoreAddress(
                topology=Topology.SINGLE,
                nodes=(Node("::1", 7000),),
                username="me",
                password="p@ss",  # noqa: S106 - not one
            ),
        ),
        (
            "redis://:word@host",
            StoreAddress(topology=Topology.SINGLE, nodes=ONE, password="word"),  # noqa: S106
        ),
        (
            "rediss://host?ssl_ca_certs=/ca.pem",
            StoreAddress(
                topology=Topology.SINGLE,
                nodes=ONE,
                is_encrypted=True,
                options={"ssl_ca_certs": "/ca.pem"},
            ),
        ),
        (
            "redis+sentinel://one,two:7000/main/1?sentinel_password=word",
            StoreAddress(
                topology=Topology.SENTINEL,
                nodes=(Node("one", 26379), Node("two", 7000)),
                service="main",
                database=1,
                options={"sentinel_password": "word"},
            ),
        ),
        (
            "rediss+cluster://one,two:7000",
            StoreAddress(
                topology=Topology.CLUSTER,
                nodes=(Node("one", 6379), Node("two", 7000)),
                is_encrypted=True,
            ),
        ),
    ],
)
def test_an_address_has_parts(text: str, expected: StoreAddress) -> None:
    found = parse_store_address(text)
    assert {name: getattr(found, name) for name in StoreAddress.__slots__} == {
        name: getattr(expected, name) for name in StoreAddress.__slots__
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("http://host", "must be like redis://"),
        ("redis://", "must be like redis://"),
        ("redis://host#1", "must be like redis://"),
        ("redis://host:0", "not like name:6379"),
        ("redis://host:99999", "not like name:6379"),
        ("redis://ho st", "not like name:6379"),
        ("redis://one,two", "several hosts"),
        ("redis://host/name", "number of a database"),
        ("redis+sentinel://host", "name the service"),
        ("redis+sentinel://host/main/x", "number of a database"),
        ("redis+cluster://host/1", "only database 0"),
        ("redis://host?ssl_ca_certs=/ca.pem", "known are: none"),
        ("rediss://host?ssl_check_hostname=no", "known are: ssl_ca_certs, ssl_certfile"),
    ],
)
def test_a_wrong_address_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_store_address(text)


def test_neither_a_form_nor_a_fault_shows_a_password() -> None:
    address = parse_store_address("rediss+sentinel://me:word@[::1],two/main?sentinel_password=word")
    assert str(address) == "rediss+sentinel://[::1]:26379,two:26379/main"
    assert "word" not in repr(address)
    with pytest.raises(ValueError, match=r"^(?!.*word)"):
        parse_store_address("redis://me:word@host/x")
