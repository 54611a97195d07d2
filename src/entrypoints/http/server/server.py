"""Runs the HTTP interface under uvicorn."""

import asyncio
import contextlib
import logging
import math
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from itertools import islice
from typing import Any

import uvicorn

from modegate.entrypoints.bootstrap.container import Container, answering, close
from modegate.entrypoints.bootstrap.descriptors import descriptor_limit
from modegate.entrypoints.bootstrap.session_cleaner import SessionCleaner
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.http.app import Hook, HttpOptions, UseCases, create_app
from modegate.entrypoints.http.middleware.crowding import ConnectionLimit
from modegate.entrypoints.http.middleware.request_lifecycle import RequestLifecycle
from modegate.entrypoints.http.server.acceptor import Acceptor
from modegate.entrypoints.http.server.protocol import GatewayProtocol
from modegate.entrypoints.http.server.stop_signals import stop_signals

BACKLOG = 2048
# For the errors of requests that were cut to reach their clients, in whole seconds.
LAST_WORDS = 2
# Connections among which an idle one is sought for each new one beyond the limit.
MOST_LOOKED_AT = 1000

log = logging.getLogger(__name__)


class AddressError(Exception):
    """The address cannot be listened on."""


class GatewayServer(uvicorn.Server):
    """Drains on a signal, then stops with exit status 0; a second signal stops at once.

    Where it heeds no signals, somebody else has to call `stop`.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        drain: Callable[[], Awaitable[None]],
        *,
        heeds_signals: bool = True,
    ) -> None:
        super().__init__(config)
        self._drain = drain
        self._heeds_signals = heeds_signals
        self._draining: asyncio.Task[None] | None = None
        self._forced = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle the signals in the event loop, in place of uvicorn, which raises them again."""
        in_main_thread = threading.current_thread() is threading.main_thread()
        if not (self._heeds_signals and in_main_thread):  # no other thread can
            yield
            return
        loop = asyncio.get_running_loop()
        numbers = stop_signals()
        for number in numbers:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Drain, and then stop; when called again stop at once."""
        if self._draining is None:
            log.info("shutting down: no new requests; a second signal stops at once")
            self._draining = asyncio.create_task(self._drain_and_stop())
        else:
            self.force_exit = self.should_exit = True
            self._forced.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start the application, and accept connections in place of the event loop."""
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
        """End in order, for which children have their time to end; or at once where told again."""
        ending = asyncio.create_task(super().shutdown(sockets))
        forced = asyncio.create_task(self._forced.wait())
        await asyncio.wait({ending, forced}, return_when=asyncio.FIRST_COMPLETED)
        forced.cancel()
        if ending.done():
            ending.result()
        else:
            ending.cancel()

    def stop_listening(self) -> None:
        """Leave the address to another server; connections that there are stay."""
        for server in getattr(self, "servers", ()):  # there are none before the startup's end
            server.close()

    async def _drain_and_stop(self) -> None:
        try:
            await self._drain()
        except Exception:
            log.exception("draining failed: stopping without it")
        finally:
            self.should_exit = True


def close_idle(connections: Iterable[object]) -> bool:
    """Close a connection that waits for another request; returns whether there was one."""
    return any(
        isinstance(connection, GatewayProtocol) and connection.close_if_idle()
        for connection in islice(connections, MOST_LOOKED_AT)
    )


def listeners_of(servers: Sequence[asyncio.Server]) -> list[socket.socket]:
    """The listening sockets of the event loop's servers, which are closed."""
    found = [socket.socket(fileno=os.dup(it.fileno())) for made in servers for it in made.sockets]
    for made in servers:
        made.close()
    return found


def build_app(container: Container, *, offline: bool = False) -> RequestLifecycle:
    """The application with everything behind it."""
    settings: Settings = container.settings()
    cleaner = SessionCleaner(
        container.expire_sessions(), settings.session_cleanup_interval_ms / 1000
    )
    return create_app(
        UseCases(
            complete_chat=container.complete_chat(),
            stream_chat=container.stream_chat(),
            admission=container.admission(),
            client_sessions=container.client_sessions(),
            list_models=container.list_models(),
            check_health=container.check_health(),
            sessions=container.session_store(),
        ),
        HttpOptions(
            version=version("modegate"),
            max_body=settings.max_body_bytes,
            keep_alive=settings.sse_keepalive_ms / 1000,
            cors_origins=settings.cors_allowed_origins,
            trusted_proxies=settings.trusted_proxies,
            forwarded_header=settings.forwarded_header,
            offline=offline,
            metrics_token=settings.metrics_token.get_secret_value()
            if settings.metrics_token
            else None,
        ),
        on_start=(cleaner.start, *preparing(container)),
        on_end=(cleaner.aclose, partial(close, container)),
    )


def preparing(container: Container) -> list[Hook]:
    """What may be done before the first request."""
    prepare = getattr(answering(container), "prepare", None)
    return [prepare] if prepare else []


def build_server(
    app: RequestLifecycle, container: Container, *, heeds_signals: bool = True
) -> GatewayServer:
    """The server, not started yet; without a socket it listens where the settings say."""
    settings: Settings = container.settings()

    async def drain() -> None:
        if begin_no_more := getattr(answering(container), "drain", None):
            begin_no_more()
        await app.drain(settings.shutdown_timeout_ms / 1000)

    return GatewayServer(
        uvicorn.Config(
            app,
            host=settings.host.strip("[]"),
            port=settings.port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="on",
            http=GatewayProtocol,
            ws="none",
            backlog=BACKLOG,
            timeout_keep_alive=math.ceil(settings.keep_alive_timeout_ms / 1000),
            timeout_graceful_shutdown=LAST_WORDS,
        ),
        drain,
        heeds_signals=heeds_signals,
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        AddressError: the address is in use, not ours, or none.
    """
    try:
        return _listening(host, port)
    except OSError as error:
        raise _bad_address(host, port, error.strerror) from None
    except UnicodeError:  # of a name with an empty part, or too long a one
        raise _bad_address(host, port, "no host can be called so") from None


def _bad_address(host: str, port: int, why: str | None) -> AddressError:
    return AddressError(
        f"cannot listen on {host}:{port} ({why}): choose another with HOST and PORT"
    )


def _listening(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with contextlib.ExitStack() as failing:
        listener = failing.enter_context(socket.socket(family, kind, protocol))
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        failing.pop_all()
    return listener
