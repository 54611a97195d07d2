from collections.abc import AsyncIterator

import pytest

from modegate.http_client.errors import InvalidRequestError
from modegate.http_client.messages.request import encode_connect, encode_head
from modegate.http_client.messages.route import Origin, Proxy, Route

PLAIN = Route(Origin("http", "upstream.example", 8080))
SECURE = Route(Origin("https", "upstream.example", 443))
PROXY = Proxy(Origin("http", "proxy.example", 3128), "Basic eDp5")


async def stream() -> AsyncIterator[bytes]:
    yield b"x"


def test_a_head_is_encoded_once_and_framed_for_each_body() -> None:
    head = encode_head("POST", PLAIN, "/v1/x?y=1", [("A", "b"), ("C", "ü")])
    begin = "POST /v1/x?y=1 HTTP/1.1\r\nHost: upstream.example:8080\r\nA: b\r\nC: ü\r\n".encode()
    assert head.framed(b"hello") == begin + b"Content-Length: 5\r\n\r\n"
    assert head.framed(b"") == begin + b"Content-Length: 0\r\n\r\n"
    assert head.framed(stream()) == begin + b"Transfer-Encoding: chunked\r\n\r\n"


def test_a_request_without_body_has_no_length() -> None:
    head = encode_head("GET", SECURE, "/", [])
    assert head.framed(b"") == b"GET / HTTP/1.1\r\nHost: upstream.example\r\n\r\n"


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        (Origin("http", "::1", 80), "[::1]"),
        (Origin("https", "::1", 8443), "[::1]:8443"),
        (Origin("https", "a.example", 80), "a.example:80"),
    ],
)
def test_the_host_has_its_port_unless_it_is_the_default(origin: Origin, host: str) -> None:
    assert f"\r\nHost: {host}\r\n".encode() in encode_head("GET", Route(origin), "/", []).encoded


def test_a_proxy_that_reads_the_request_gets_the_address_and_its_credentials() -> None:
    head = encode_head("GET", PLAIN._replace(proxy=PROXY), "/x", [])
    assert head.encoded == (
        b"GET http://upstream.example:8080/x HTTP/1.1\r\nHost: upstream.example:8080\r\n"
        b"Proxy-Authorization: Basic eDp5\r\n"
    )


def test_a_proxy_that_opens_a_tunnel_gets_its_credentials_alone() -> None:
    route = SECURE._replace(proxy=PROXY)
    head = encode_head("GET", route, "/x", [("Authorization", "Bearer secret")])
    assert head.encoded.startswith(b"GET /x HTTP/1.1\r\n")
    assert b"Proxy-Authorization" not in head.encoded
    assert encode_connect(route) == (
        b"CONNECT upstream.example:443 HTTP/1.1\r\nHost: upstream.example:443\r\n"
        b"Proxy-Authorization: Basic eDp5\r\n\r\n"
    )


BREAKS = ("\r\nX: y", "\n", "\r", "\0", "\x7f", "\x1b")


@pytest.mark.parametrize("bad", BREAKS)
def test_nothing_can_split_a_request(bad: str) -> None:
    for arguments in (
        (f"GET{bad}", PLAIN, "/", []),
        ("GET", PLAIN, f"/{bad}", []),
        ("GET", PLAIN, "/", [(f"A{bad}", "b")]),
        ("GET", PLAIN, "/", [("A", f"b{bad}c")]),
        ("GET", PLAIN, "/", [("A", bad)]),
        ("GET", Route(Origin("http", f"a{bad}", 80)), "/", []),
        ("GET", PLAIN._replace(proxy=PROXY._replace(authorization=f"x{bad}")), "/", []),
    ):
        with pytest.raises(InvalidRequestError):
            encode_head(*arguments)
    for route in (
        Route(Origin("https", f"a{bad}", 443), PROXY),
        SECURE._replace(proxy=PROXY._replace(authorization=f"x{bad}")),
    ):
        with pytest.raises(InvalidRequestError):
            encode_connect(route)


@pytest.mark.parametrize("path", ["", "x", "/a b", "/ü", "/a\tb"])
def test_a_target_is_an_encoded_path(path: str) -> None:
    with pytest.raises(InvalidRequestError):
        encode_head("GET", PLAIN, path, [])


@pytest.mark.parametrize("name", ["", "a b", "a:", "ü", " A", "A\t"])
def test_a_header_name_is_a_token(name: str) -> None:
    with pytest.raises(InvalidRequestError):
        encode_head("GET", PLAIN, "/", [(name, "x")])


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "CONNECTION"])
def test_headers_of_the_framing_belong_to_the_client(name: str) -> None:
    with pytest.raises(InvalidRequestError):
        encode_head("GET", PLAIN, "/", [(name, "1")])


def test_errors_and_representations_hold_no_secret() -> None:
    with pytest.raises(InvalidRequestError) as caught:
        encode_head("GET", PLAIN, "/", [("Authorization", "secret\n")])
    assert "secret" not in str(caught.value)
    route = SECURE._replace(proxy=PROXY)
    head = encode_head("GET", route, "/", [("Authorization", "secret")])
    assert "secret" not in repr(head)
    assert "eDp5" not in repr(head)
    assert "proxy.example" not in repr(head)
