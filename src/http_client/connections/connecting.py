"""Opens connections: sockets, TLS and tunnels, each within its own time bound."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from modegate.http_client.connections.addresses import Address, open_socket, resolve
from modegate.http_client.connections.connection import Connection
from modegate.http_client.connections.tls import TlsContext
from modegate.http_client.connections.tunnel import Tunnel
from modegate.http_client.errors import ConnectError
from modegate.http_client.messages.route import Origin, Route
from modegate.lazy_dataclass import dataclass

# Returns whether connections to a host may use one of its addresses.
Admits = Callable[[str, str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectTimeouts:
    """The time bounds of a new connection, in seconds.

    `connect_s` bounds the resolution of the name and the attempts at all addresses together,
    `handshake_s` each TLS handshake, and `tunnel_s` the answer of a proxy to `CONNECT`.
    """

    connect_s: float = 10.0
    handshake_s: float = 10.0
    tunnel_s: float = 10.0


class Connector:
    """Opens connections along a route."""

    def __init__(
        self,
        timeouts: ConnectTimeouts,
        tls: TlsContext | None = None,
        admits: Admits | None = None,
    ) -> None:
        self._timeouts = timeouts
        self._admits = admits
        self._tls = tls or TlsContext()

    async def connect(self, route: Route) -> Connection:
        """Returns a new connection to the route's origin.

        Raises:
            ConnectError: if it cannot be opened within the time bounds.
        """
        connection = Connection()
        if not route.is_tunnelled:
            await self._open(route.first_hop, connection)
            return connection
        tunnel = Tunnel()
        transport = await self._open(route.first_hop, tunnel)
        try:
            async with _bounded(self._timeouts.tunnel_s, "proxy tunnel"):
                await tunnel.open(route)
            secured = await self._secure(transport, connection, route.origin)
        except BaseException:
            transport.abort()
            raise
        connection.connection_made(secured)  # not called by `start_tls`
        return connection

    async def _open(self, hop: Origin, protocol: asyncio.Protocol) -> asyncio.Transport:
        """Connects `protocol` to a host, with TLS if its scheme says so."""
        context = await self._context() if hop.is_secure else None
        async with _bounded(self._timeouts.connect_s, "connection"):
            opened = await open_socket(await self._resolve(hop))
        async with _bounded(self._timeouts.handshake_s, "TLS handshake"):
            transport, _ = await asyncio.get_running_loop().create_connection(
                lambda: protocol,
                sock=opened,
                ssl=context,
                server_hostname=hop.host if context else None,
            )
        return transport

    async def _resolve(self, hop: Origin) -> list[Address]:
        """Returns the addresses of a host to which connections are admitted."""
        found = await resolve(hop.host, hop.port)
        if self._admits is None:
            return found
        admitted = [it for it in found if self._admits(hop.host, it[2][0])]
        if not admitted:
            raise ConnectError("no address is admitted")
        return admitted

    async def _secure(
        self, transport: asyncio.Transport, connection: Connection, origin: Origin
    ) -> asyncio.BaseTransport:
        context = await self._context()
        async with _bounded(self._timeouts.handshake_s, "TLS handshake"):
            secured = await asyncio.get_running_loop().start_tls(
                transport, connection, context, server_hostname=origin.host
            )
        if secured is None:
            raise ConnectError("TLS handshake failed: connection lost")
        return secured

    async def _context(self) -> ssl.SSLContext:
        async with _bounded(None, "reading the authorities"):
            return await self._tls.get()


@asynccontextmanager
async def _bounded(seconds: float | None, what: str) -> AsyncIterator[None]:
    """Bounds a step, and raises its failures as `ConnectError`."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except (OSError, UnicodeError) as error:  # also a timeout, and an invalid certificate
        raise ConnectError(f"{what} failed: {type(error).__name__}") from error
