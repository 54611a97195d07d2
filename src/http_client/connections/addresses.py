"""Opens a socket to the first address of a host that accepts the connection."""

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, zip_longest
from typing import Any

from modegate.http_client.errors import ConnectError

# Seconds after which the next address is tried beside the ones before; RFC 8305, section 5.
STAGGER_S = 0.25

Address = tuple[socket.AddressFamily, int, Any]


async def resolve(host: str, port: int) -> list[Address]:
    """Returns the addresses of a host, with the families in turn; RFC 8305, section 4.

    Raises:
        OSError: if there are none.
    """
    try:  # an address needs no thread
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )
    except socket.gaierror:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return alternated([(family, protocol, address) for family, _, protocol, _, address in found])


def alternated(addresses: Sequence[Address]) -> list[Address]:
    """Returns the addresses with their families in turn, beginning with the first one's."""
    first = [it for it in addresses if it[0] == addresses[0][0]]
    others = [it for it in addresses if it[0] != addresses[0][0]]
    return [it for it in chain.from_iterable(zip_longest(first, others)) if it is not None]


async def open_socket(addresses: Sequence[Address]) -> socket.socket:
    """Returns a connected socket. Each address gets a head start before the next one is tried.

    Raises:
        ConnectError: if no address accepts the connection.
    """
    if len(addresses) == 1:
        try:
            return await _open(addresses[0])
        except OSError as error:
            raise ConnectError("no connection") from error
    return await _Race(addresses).run()


class _Race:
    """Connection attempts that run beside each other until the first one succeeds."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._left = [*addresses]
        self._running: set[asyncio.Task[socket.socket]] = set()
        self._error: BaseException | None = None

    async def run(self) -> socket.socket:
        """Returns the socket of the first successful attempt."""
        winner: socket.socket | None = None
        try:
            while winner is None and (self._left or self._running):
                winner = await self._next()
        finally:
            await self._stop()
        if winner is None:
            raise ConnectError("no connection") from self._error
        return winner

    async def _next(self) -> socket.socket | None:
        """Starts one more attempt, and returns the socket of one that has succeeded."""
        if self._left:
            self._running.add(asyncio.create_task(_open(self._left.pop(0))))
        done, _ = await asyncio.wait(
            self._running,
            timeout=STAGGER_S if self._left else None,
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in done:
            if (error := task.exception()) is None:
                self._running.discard(task)
                return task.result()
            self._running.discard(task)
            self._error = error
        return None

    async def _stop(self) -> None:
        for task in self._running:
            task.cancel()
        for task in self._running:
            with suppress(OSError, asyncio.CancelledError):
                (await task).close()


async def _open(address: Address) -> socket.socket:
    family, protocol, target = address
    opened = socket.socket(family, socket.SOCK_STREAM, protocol)
    try:
        opened.settimeout(0)
        await asyncio.get_running_loop().sock_connect(opened, target)
    except BaseException:
        opened.close()
        raise
    return opened
