"""Responses whose head and body are one write."""

import asyncio
from typing import Any

import pytest

from modegate.entrypoints.http.server.connection.head_coalescing import HeadCoalescingTransport

HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


class Wire(asyncio.Transport):
    """Records writes and the end."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.end = ""

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.end = self.end or "closed"

    def abort(self) -> None:
        self.end = self.end or "aborted"

    def is_closing(self) -> bool:
        return bool(self.end)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def transport(wire: Wire) -> HeadCoalescingTransport:
    return HeadCoalescingTransport(wire, lambda: False)


async def test_head_and_body_are_one_write(wire: Wire, transport: HeadCoalescingTransport) -> None:
    transport.write(HEAD)
    transport.write(b"{}")
    assert wire.written == [HEAD + b"{}"]
    await asyncio.sleep(0)
    assert wire.written == [HEAD + b"{}"]


async def test_a_head_without_a_body_is_sent_in_the_next_iteration(
    wire: Wire, transport: HeadCoalescingTransport
) -> None:
    transport.write(HEAD)
    assert not wire.written
    await asyncio.sleep(0)
    assert wire.written == [HEAD]


async def test_later_pieces_are_written_as_they_come(
    wire: Wire, transport: HeadCoalescingTransport
) -> None:
    for piece in (HEAD, b"a", b"b", HEAD):
        transport.write(piece)
    await asyncio.sleep(0)
    assert wire.written == [HEAD + b"a", b"b", HEAD]


async def test_an_interim_response_is_written_at_once(
    wire: Wire, transport: HeadCoalescingTransport
) -> None:
    transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert wire.written == [b"HTTP/1.1 100 Continue\r\n\r\n"]


async def test_closing_sends_the_head_and_aborting_drops_it(
    wire: Wire, transport: HeadCoalescingTransport
) -> None:
    transport.write(HEAD)
    transport.close()
    assert (wire.written, wire.end) == ([HEAD], "closed")
    other = Wire()
    dropping = HeadCoalescingTransport(other, lambda: False)
    dropping.write(HEAD)
    dropping.abort()
    await asyncio.sleep(0)
    assert (other.written, other.end) == ([], "aborted")
