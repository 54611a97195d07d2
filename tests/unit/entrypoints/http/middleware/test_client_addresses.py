from ipaddress import ip_network

import pytest

from modegate.entrypoints.http.messages.forwarded import ForwardedHeader
from modegate.entrypoints.http.middleware.client_addresses import ClientAddresses

TRUSTED = (ip_network("10.0.0.0/8"), ip_network("127.0.0.1"))
PROXY = ("10.0.0.1", 4711)
XFF, FORWARDED = "x-forwarded-for", "forwarded"
AUTO = ForwardedHeader.AUTO


def scope(*headers: tuple[str, str], client: tuple[str, int] | None = PROXY) -> dict[str, object]:
    lines = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return {"client": client, "headers": [(b"host", b"x"), *lines]}


@pytest.mark.parametrize(
    ("headers", "header", "address"),
    [
        ([(XFF, "1.1.1.1:80")], AUTO, "1.1.1.1"),
        ([(XFF, "9.9.9.9"), (XFF, "1.1.1.1"), (XFF, "10.0.0.2")], AUTO, "1.1.1.1"),
        ([(FORWARDED, "for=1.1.1.1")], AUTO, "1.1.1.1"),
        ([(FORWARDED, 'for=9.9.9.9, for="[2001:db8::1]:80"')], AUTO, "2001:db8::1"),
        ([(XFF, "1.1.1.1"), (FORWARDED, "for=1.1.1.1:80")], AUTO, "1.1.1.1"),
        ([(XFF, "1.1.1.1"), (FORWARDED, "for=2.2.2.2")], AUTO, "10.0.0.1"),
        ([(XFF, "1.1.1.1"), (FORWARDED, "for=_x")], AUTO, "10.0.0.1"),
        ([(XFF, "1.1.1.1"), (FORWARDED, "for=2.2.2.2")], XFF, "1.1.1.1"),
        ([(XFF, "1.1.1.1"), (FORWARDED, "for=2.2.2.2")], FORWARDED, "2.2.2.2"),
        ([(FORWARDED, "for=2.2.2.2")], XFF, "10.0.0.1"),
        ([(XFF, "1.1.1.1")], FORWARDED, "10.0.0.1"),
        ([("x-real-ip", "1.1.1.1")], AUTO, "10.0.0.1"),
    ],
)
def test_the_client_address_comes_from_the_configured_or_detected_header(
    headers: list[tuple[str, str]], header: str, address: str
) -> None:
    addresses = ClientAddresses(TRUSTED, ForwardedHeader(header))
    assert addresses.find(scope(*headers)) == address


def test_a_request_without_a_peer_counts_as_from_localhost() -> None:
    asked = scope((XFF, "1.1.1.1"), client=None)
    assert ClientAddresses(TRUSTED).find(asked) == "1.1.1.1"
    assert ClientAddresses().find(asked) == "127.0.0.1"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (scope((XFF, "1.1.1.1"), client=("6.6.6.6", 1)), "6.6.6.6 are ignored"),
        (scope((FORWARDED, "for=1.1.1.1"), client=("::ffff:6.6.6.6", 1)), "6.6.6.6 are ignored"),
        (scope(), "10.0.0.1 name no client"),
        (scope((XFF, "m\xe4rk")), "10.0.0.1 forwarded something"),
        (scope((FORWARDED, "for=unknown;m\xe4rk=1")), "10.0.0.1 forwarded something"),
        (scope((XFF, "1.1.1.1"), (FORWARDED, "for=2.2.2.2")), "name different clients"),
    ],
)
def test_unusable_forwarding_headers_are_logged_once_without_their_values(
    asked: dict[str, object], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    addresses = ClientAddresses(TRUSTED)
    addresses.find(asked)
    assert not caplog.records
    for _ in range(3):
        addresses.find_or_warn(asked)
    (record,) = caplog.records
    assert (record.levelname, words in record.getMessage()) == ("WARNING", True)
    assert "m\xe4rk" not in record.getMessage()
    assert "1.1.1.1" not in record.getMessage()


@pytest.mark.parametrize(
    "asked", [scope((XFF, "1.1.1.1")), scope(client=("6.6.6.6", 1)), scope(client=None)]
)
def test_unambiguous_client_addresses_are_not_logged(
    asked: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    trusted = TRUSTED if asked["client"] is not None else ()
    ClientAddresses(trusted).find_or_warn(asked)
    assert not caplog.records
