"""`modegate serve`: runs the gateway until a signal ends it."""

import asyncio
import gc
import logging
import os
import socket
import sys
from dataclasses import dataclass
from importlib.metadata import version

import uvloop

from modegate.entrypoints.banner import Announcement, url_of
from modegate.entrypoints.container import Container
from modegate.entrypoints.logging import configure_logging
from modegate.entrypoints.offline import offline_container
from modegate.entrypoints.server import AddressError, GatewayServer, build_app, build_server, listen
from modegate.entrypoints.settings import Settings
from modegate.entrypoints.settings_sources import LoadedSettings
from modegate.entrypoints.workers import Workers

OWN_UPSTREAM = (
    "OPENAI_BASE_URL is the address of this gateway itself: unset it where the gateway starts, or "
    "name the upstream's"
)
# So many more objects are made than freed before the collector looks at the young ones.
GARBAGE = 5_000

log = logging.getLogger(__name__)


def run_serve(loaded: LoadedSettings, *, offline: bool, workers: int = 1) -> int:
    """Serve; returns the exit status: 1 where the address cannot be listened on."""
    chosen = "log_format" in loaded.sources or not sys.stderr.isatty()
    configure_logging(loaded.settings.log_level, loaded.settings.log_format if chosen else "pretty")
    settings = loaded.settings
    if settings.is_own_upstream() and not offline:
        print(f"modegate: {OWN_UPSTREAM}", file=sys.stderr)
        return 2
    try:
        listener = listen(settings.host, settings.port)
    except AddressError as error:
        print(f"modegate: {error}", file=sys.stderr)
        return 1
    if workers == 1:
        return _work(Serving(settings, listener, offline))
    log.warning(
        "%d workers: sessions are shared; limits, places per key, waiting processes and metrics are "
        "each worker's own",
        workers,
    )
    return Workers(
        workers,
        lambda parent, first: _work(Serving(settings, listener, offline, parent, announces=first)),
    ).run()


@dataclass(frozen=True, slots=True)
class Serving:
    """What one process serves; `parent` is a file that ends when the process that started it does."""

    settings: Settings
    listener: socket.socket
    offline: bool
    parent: int | None = None
    announces: bool = True


def _work(serving: Serving) -> int:
    run = _serve_offline if serving.offline else _serve_online
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(serving))
    return 0


async def _serve_online(serving: Serving) -> None:
    await _serve_container(Container(settings=serving.settings), serving)


async def _serve_offline(serving: Serving) -> None:
    async with offline_container(serving.settings, os.environ) as container:
        await _serve_container(container, serving)


async def _serve_container(container: Container, serving: Serving) -> None:
    if serving.announces:
        _announce(container, serving)
    server = build_server(build_app(container, offline=serving.offline), container)
    _collect_less()
    if serving.parent is not None:
        _stop_with(serving.parent, server)
    await server.serve([serving.listener])


def _collect_less() -> None:
    """Have the garbage collector pass over what stays for ever: it took a tenth of each request."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE)


def _stop_with(parent: int, server: GatewayServer) -> None:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        loop.remove_reader(parent)
        server.stop()

    loop.add_reader(parent, stop)


def _announce(container: Container, serving: Serving) -> None:
    announcement = Announcement(
        version=version("modegate"),
        url=url_of(*serving.listener.getsockname()[:2]),
        health=container.check_health()(),
        keys=len(serving.settings.all_keys()),
        offline=serving.offline,
    )
    if sys.stderr.isatty():
        print(announcement.banner(), file=sys.stderr)
    else:
        announcement.log()
