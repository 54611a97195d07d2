import pytest

from modegate.entrypoints.http.server.connection.upgrade_filter import UpgradeFilter

HEAD = b"POST /upgrade: HTTP/1.1\r\nHost: x\r\n%b: h2c\r\nUp: x\r\nContent-Length: 20\r\n\r\n"
OFFERED, DECLINED = HEAD % b"uPGRADE", HEAD % b"x-declined"
BODY = b"{}\r\nUpgrade: no\r\n\r\n"


def test_upgrade_headers_are_declined_wherever_the_head_is_split() -> None:
    for first in range(len(OFFERED)):
        for second in range(first, len(OFFERED)):
            offers = UpgradeFilter()
            pieces = OFFERED[:first], OFFERED[first:second], OFFERED[second:] + BODY
            assert b"".join(map(offers.feed, pieces)) == DECLINED + BODY


def test_upgrade_headers_are_declined_in_a_head_sent_byte_by_byte() -> None:
    offers = UpgradeFilter()
    assert b"".join(offers.feed(bytes([byte])) for byte in OFFERED) == DECLINED


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", b"\x16\x03\x01", b"GET /"])
def test_data_without_an_upgrade_header_is_passed_through_at_once(data: bytes) -> None:
    assert UpgradeFilter().feed(data) is data
