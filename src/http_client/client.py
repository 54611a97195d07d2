"""The client: sends requests over pooled connections."""

import asyncio

from modegate.http_client.connections.connecting import Admits, Connector, ConnectTimeouts
from modegate.http_client.connections.exchange import Exchange
from modegate.http_client.connections.pool import Pool
from modegate.http_client.connections.tls import TlsContext
from modegate.http_client.errors import DisconnectedError
from modegate.http_client.messages.deadlines import Deadlines
from modegate.http_client.messages.request import Body, RequestHead
from modegate.http_client.messages.route import Route

# A guard: the server reserves a descriptor for each request that it accepts.
MAX_CONNECTIONS = 16_384
# Seconds; shorter than the idle timeouts of common servers.
IDLE_S = 30.0


class Client:
    """Sends requests from one event loop. Each route has its own bounded pool of connections.

    It follows no redirect, keeps no cookie and asks for no content coding. A request that fails is
    repeated only if it is idempotent and failed before its answer, on a connection that was idle.
    """

    def __init__(
        self,
        timeouts: ConnectTimeouts | None = None,
        *,
        max_connections: int = MAX_CONNECTIONS,
        idle_s: float = IDLE_S,
        tls: TlsContext | None = None,
        admits: Admits | None = None,
    ) -> None:
        self._connector = Connector(timeouts or ConnectTimeouts(), tls, admits)
        self._max_connections = max_connections
        self._idle_s = idle_s
        self._pools: dict[Route, Pool] = {}

    async def send(self, head: RequestHead, body: Body, deadlines: Deadlines) -> Exchange:
        """Returns the exchange, whose answer's head has arrived. The caller closes it.

        A cancelled request closes its connection at once.

        Raises:
            ConnectError: if no connection can be opened.
            DisconnectedError: if the connection ended before anything of an answer came.
            InvalidResponseError: if the answer is malformed.
            TimeoutError: if the bound on the whole request expires.
        """
        pool = self._pools.get(head.route) or self._open_pool(head.route)
        connection = pool.take_idle()
        if connection is None:
            async with asyncio.timeout_at(deadlines.whole_at):
                connection = await pool.acquire()
        exchange = Exchange(connection, head.method, deadlines, pool.release)
        try:
            await exchange.request(head, body)
        except DisconnectedError:
            if connection.is_reused:
                # The others may be stale, too, and the caller may send the request again.
                pool.discard_idle()
            if not (connection.is_reused and head.is_idempotent and isinstance(body, bytes)):
                raise
            return await self._repeat(pool, head, body, deadlines)
        return exchange

    async def aclose(self) -> None:
        """Closes all connections."""
        pools, self._pools = self._pools, {}
        for pool in pools.values():
            await pool.aclose()

    async def _repeat(
        self, pool: Pool, head: RequestHead, body: Body, deadlines: Deadlines
    ) -> Exchange:
        async with asyncio.timeout_at(deadlines.whole_at):
            connection = await pool.acquire(new=True)
        exchange = Exchange(connection, head.method, deadlines, pool.release)
        await exchange.request(head, body)
        return exchange

    def _open_pool(self, route: Route) -> Pool:
        pool = self._pools[route] = Pool(
            lambda: self._connector.connect(route), self._max_connections, self._idle_s
        )
        return pool
