import socket

import pytest

from modegate.http_client.connections.addresses import Address, alternated, resolve

V4, V6 = socket.AF_INET, socket.AF_INET6


def addresses(*families: socket.AddressFamily) -> list[Address]:
    return [(family, 0, str(number)) for number, family in enumerate(families)]


@pytest.mark.parametrize(
    ("given", "order"),
    [
        ([], ""),
        ([V4], "0"),
        ([V6, V6, V4, V4], "0213"),
        ([V4, V6, V6], "012"),
        ([V6, V6, V6, V4], "0312"),
    ],
)
def test_families_take_turns_from_the_preferred_one(
    given: list[socket.AddressFamily], order: str
) -> None:
    assert "".join(it[2] for it in alternated(addresses(*given))) == order


@pytest.mark.parametrize(("host", "family"), [("127.0.0.1", V4), ("::1", V6)])
async def test_an_address_resolves_to_itself(host: str, family: socket.AddressFamily) -> None:
    ((found, _, target),) = await resolve(host, 80)
    assert (found, target[:2]) == (family, (host, 80))


async def test_the_addresses_of_a_name_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(_host: str, _port: int, *_: int, **given: int) -> list[object]:
        if given.get("flags"):
            raise socket.gaierror
        found = {"one": V4, "two": V4, "three": V6}
        return [(family, socket.SOCK_STREAM, 6, "", (name, 80)) for name, family in found.items()]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    resolved = await resolve("upstream.example", 80)
    assert [target[0] for _, _, target in resolved] == ["one", "three", "two"]
