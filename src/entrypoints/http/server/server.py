"""Runs the HTTP interface under uvicorn."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import uvicorn

from modegate.entrypoints.http.middleware.crowding import ConnectionLimit
from modegate.entrypoints.http.server.acceptor import Acceptor
from modegate.entrypoints.http.server.connection.protocol import GatewayProtocol
from modegate.entrypoints.http.server.descriptors import descriptor_limit
from modegate.entrypoints.http.server.stop_signals import ignore_hangups, stop_signals

# Connections to search for an idle one, for each new connection beyond the limit.
MAX_IDLE_CANDIDATES = 1000

log = logging.getLogger(__name__)


class GatewayServer(uvicorn.Server):
    """Drains on a signal, then stops with exit status 0; a second signal stops immediately.

    With `heeds_signals=False`, the caller has to call `stop`. SIGHUP calls `reload`.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        drain: Callable[[], Awaitable[None]],
        *,
        heeds_signals: bool = True,
        reload: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        super().__init__(config)
        self._reload = reload
        self._reloading: set[asyncio.Future[None]] = set()
        self._drain = drain
        self._heeds_signals = heeds_signals
        self._draining: asyncio.Task[None] | None = None
        self._forced = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handles signals in the event loop; uvicorn would raise them again after the shutdown."""
        in_main_thread = threading.current_thread() is threading.main_thread()
        if not (self._heeds_signals and in_main_thread):  # other threads cannot handle signals
            yield
            return
        loop = asyncio.get_running_loop()
        numbers = stop_signals()
        for number in numbers:
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._start_reload)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)
            loop.remove_signal_handler(signal.SIGHUP)
            if self._reload is not None:  # the process has only a moment left
                ignore_hangups()

    def _start_reload(self) -> None:
        if self._reload is None:  # nothing to read again
            return
        task = asyncio.ensure_future(self._reload())
        self._reloading.add(task)
        task.add_done_callback(self._reloading.discard)

    def stop(self) -> None:
        """Drains, then stops; a second call stops immediately."""
        if self._draining is None:
            log.info("shutting down: new requests are rejected; a second signal stops immediately")
            self._draining = asyncio.create_task(self._drain_and_stop())
        else:
            self.force_exit = self.should_exit = True
            self._forced.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts the application, and accepts connections in place of the event loop."""
        await super().startup(sockets=None if sockets is None else [])
        found = listeners_of(self.servers) if sockets is None else sockets
        limit = ConnectionLimit.of(descriptor_limit())
        self.servers = [self._acceptor(listener, limit) for listener in found]

    def _acceptor(self, listener: socket.socket, limit: ConnectionLimit) -> Any:
        connections = self.server_state.connections

        def make_protocol() -> asyncio.Protocol:
            protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
                config=self.config, server_state=self.server_state, app_state=self.lifespan.state
            )
            if isinstance(protocol, GatewayProtocol):
                protocol.is_surplus = len(connections) >= limit.served and not close_idle(
                    connections
                )
            return protocol

        return Acceptor(listener, make_protocol, lambda: len(connections) >= limit.most)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Shuts down; a second call of `stop` skips the wait for connections and children."""
        ending = asyncio.create_task(super().shutdown(sockets))
        forced = asyncio.create_task(self._forced.wait())
        await asyncio.wait({ending, forced}, return_when=asyncio.FIRST_COMPLETED)
        forced.cancel()
        if ending.done():
            ending.result()
        else:
            ending.cancel()

    def stop_listening(self) -> None:
        """Closes the listening sockets, so that another server can use the address."""
        for server in getattr(self, "servers", ()):  # not set before the end of the start-up
            server.close()

    async def _drain_and_stop(self) -> None:
        try:
            await self._drain()
        except Exception:
            log.exception("draining failed: stopping without draining")
        finally:
            self.should_exit = True


def close_idle(connections: Iterable[object]) -> bool:
    """Closes one connection that waits for another request; returns whether there was one."""
    return any(
        isinstance(connection, GatewayProtocol) and connection.close_if_idle()
        for connection in islice(connections, MAX_IDLE_CANDIDATES)
    )


def listeners_of(servers: Sequence[asyncio.Server]) -> list[socket.socket]:
    """Returns duplicates of the listening sockets of `servers`, and closes the servers."""
    found = [socket.socket(fileno=os.dup(it.fileno())) for made in servers for it in made.sockets]
    for made in servers:
        made.close()
    return found
