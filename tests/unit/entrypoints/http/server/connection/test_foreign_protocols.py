import pytest

from modegate.entrypoints.http.server.connection.foreign_protocols import advice_for


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\nGET / HTTP/1.1\r\n", "PROXY protocol"),
        (b"PROXY UNKNOWN\r\n", "PROXY protocol"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c", "PROXY protocol"),
        (b"\x16\x03\x01\x02\0\x01", "TLS"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2"),
    ],
)
def test_the_advice_names_the_foreign_protocol(data: bytes, word: str) -> None:
    assert word in str(advice_for(data))


@pytest.mark.parametrize("data", [b"", b"GET / HTTP/1.1\r\n", b"PROXYING", b"\r\n\r\nGET", b"\x16"])
def test_http_and_unknown_data_get_no_advice(data: bytes) -> None:
    assert advice_for(data) is None
