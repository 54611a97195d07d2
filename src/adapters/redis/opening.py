"""Opens a connection to the server that takes writes, wherever it is at present."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.crc import key_slot
from redis.exceptions import RedisError

from modegate.adapters.redis.script import PREFIX
from modegate.adapters.redis.store_socket import StoreSocket, socket_for
from modegate.domain.errors.catalogue import storage
from modegate.domain.store_address import Node, StoreAddress, Topology

OLDEST_VERSION = (7, 0)
MASTER = b"master"


class NoServerError(RedisError):
    """No host of the address knows a server that takes writes."""


class Opening:
    """Finds the server, opens a connection to it, and checks its version and its role.

    Of several hosts, the one that knew the server last is asked first.
    """

    def __init__(self, address: StoreAddress, timeout_s: float) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self._nodes = list(address.nodes)

    async def open(self) -> StoreSocket:
        """Returns an open connection.

        Raises:
            StorageError: the server is too old.
            RedisError, OSError: there is no server, or it refuses the connection.
        """
        match self._address.topology:
            case Topology.SINGLE:
                node = self._nodes[0]
            case Topology.SENTINEL:
                node = await self._found(self._ask_sentinel)
            case Topology.CLUSTER:
                node = await self._found(self._ask_cluster)
        socket = socket_for(self._address, node, self._timeout_s)
        try:
            await socket.connect()  # type: ignore[no-untyped-call]
            await _check(socket)
        except BaseException:
            await socket.disconnect(nowait=True)
            raise
        return socket

    async def _found(self, ask: Callable[[StoreSocket, Node], Awaitable[Node]]) -> Node:
        failure: Exception = NoServerError("no host knows the server")
        share = self._timeout_s / (len(self._nodes) + 1)  # the rest is for the server itself
        is_sentinel = self._address.topology is Topology.SENTINEL
        for node in tuple(self._nodes):
            socket = socket_for(self._address, node, share, is_sentinel=is_sentinel)
            try:
                async with asyncio.timeout(share):
                    await socket.connect()  # type: ignore[no-untyped-call]
                    found = await ask(socket, node)
            except (RedisError, OSError, TimeoutError) as error:
                failure = error
                continue
            finally:
                await socket.disconnect(nowait=True)
            self._nodes.remove(node)
            self._nodes.insert(0, node)
            return found
        raise failure

    async def _ask_sentinel(self, socket: StoreSocket, _: Node) -> Node:
        answer = await _answer(socket, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._address.service)
        if not answer:
            raise NoServerError("the sentinels do not know the service")
        host, port = answer
        return Node(host.decode(), int(port))

    async def _ask_cluster(self, socket: StoreSocket, asked: Node) -> Node:
        slot = key_slot(PREFIX.encode())
        ranges: Sequence[Sequence[Any]] = await _answer(socket, "CLUSTER", "SLOTS")
        for first, last, (host, port, *_), *_ in ranges:
            if first <= slot <= last:
                # A node that does not know its own name is the one that was asked.
                return Node(host.decode() if host else asked.host, int(port))
        raise NoServerError("no node of the cluster serves the keys of modegate")


async def _answer(socket: StoreSocket, *command: str) -> Any:
    socket.write(*command)
    return await socket.read_response()


async def _check(socket: StoreSocket) -> None:
    told = await _answer(socket, "HELLO")
    facts = dict(zip(told[::2], told[1::2], strict=True))
    version: bytes = facts[b"version"]
    if _numbers(version) < OLDEST_VERSION:
        raise storage.store_too_old(version.decode("ascii", "replace"))
    if facts[b"role"] != MASTER:
        raise NoServerError("the server is a replica")


def _numbers(version: bytes) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(b".")[:2] if part.isdigit())
