"""Responses whose head and body are one write."""

import asyncio
from typing import Any

import pytest

from modegate.entrypoints.http.server.connection.head_coalescing import HeadCoalescingTransport

START = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"
LINES = b"x-request-id: 1\r\nx-frame-options: DENY\r\n"
HEAD = START[:-2] + LINES + b"\r\n"


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
async def transport(wire: Wire) -> HeadCoalescingTransport:
    return HeadCoalescingTransport(wire, lambda: False)


async def test_head_and_body_are_one_write(wire: Wire, transport: HeadCoalescingTransport) -> None:
    transport.add_lines(LINES)
    transport.write(START)
    transport.write(b"{}")
    assert wire.written == [HEAD + b"{}"]
    await asyncio.sleep(0)
    assert wire.written == [HEAD + b"{}"]


async def test_a_head_without_a_body_is_sent_in_the_next_iteration(
    wire: Wire, transport: HeadCoalescingTransport
) -> None:
    transport.add_lines(LINES)
    transport.write(START)
    assert not wire.written
    await asyncio.sleep(0)
    assert wire.written == [HEAD]


async def test_later_pieces_are_written_as_they_come(
    wire: Wire, transport: HeadCoalescingTransport
) -> None:
    for _ in range(2):
        transport.add_lines(LINES)
        for piece in (START, b"a", b"b"):
            transport.write(piece)
    await asyncio.sleep(0)
    assert wire.written == [HEAD + b"a", b"b"] * 2


@pytest.mark.parametrize("head", [b"HTTP/1.1 100 Continue\r\n\r\n", START])
async def test_a_head_without_added_lines_is_written_at_once(
    wire: Wire, transport: HeadCoalescingTransport, head: bytes
) -> None:
    transport.write(head)
    assert wire.written == [head]


async def test_lines_are_added_to_no_body(wire: Wire, transport: HeadCoalescingTransport) -> None:
    transport.add_lines(LINES)
    transport.write(b"HTTP/1.1 408 Request Timeout\r\n\r\n{}")
    assert wire.written == [b"HTTP/1.1 408 Request Timeout\r\n\r\n{}"]


async def test_closing_sends_the_head_and_aborting_drops_it(
    wire: Wire, transport: HeadCoalescingTransport
) -> None:
    transport.add_lines(LINES)
    transport.write(START)
    transport.close()
    assert (wire.written, wire.end) == ([HEAD], "closed")
    other = Wire()
    dropping = HeadCoalescingTransport(other, lambda: False)
    dropping.add_lines(LINES)
    dropping.write(START)
    dropping.abort()
    await asyncio.sleep(0)
    assert (other.written, other.end) == ([], "aborted")
