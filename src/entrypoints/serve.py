"""`modegate serve`: runs the gateway until a signal ends it."""

import asyncio
import os
import sys
from importlib.metadata import version

import uvloop

from modegate.entrypoints.banner import Announcement, url_of
from modegate.entrypoints.container import Container
from modegate.entrypoints.logging import configure_logging
from modegate.entrypoints.offline import offline_container
from modegate.entrypoints.server import AddressError, build_app, build_server, listen
from modegate.entrypoints.settings import Settings
from modegate.entrypoints.settings_sources import LoadedSettings


def run_serve(loaded: LoadedSettings, *, offline: bool) -> int:
    """Serve; returns the exit status: 1 where the address cannot be listened on."""
    chosen = "log_format" in loaded.sources or not sys.stderr.isatty()
    configure_logging(loaded.settings.log_level, loaded.settings.log_format if chosen else "pretty")
    run = _serve_offline if offline else _serve_online
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(loaded.settings))
    except AddressError as error:
        print(f"modegate: {error}", file=sys.stderr)
        return 1
    return 0


async def _serve_online(settings: Settings) -> None:
    await _serve_container(Container(settings=settings), offline=False)


async def _serve_offline(settings: Settings) -> None:
    async with offline_container(settings, os.environ) as container:
        await _serve_container(container, offline=True)


async def _serve_container(container: Container, *, offline: bool) -> None:
    settings: Settings = container.settings()
    listener = listen(settings.host, settings.port)
    announcement = Announcement(
        version=version("modegate"),
        url=url_of(*listener.getsockname()[:2]),
        health=container.check_health()(),
        keys=len(settings.all_keys()),
        offline=offline,
    )
    if sys.stderr.isatty():
        print(announcement.banner(), file=sys.stderr)
    else:
        announcement.log()
    await build_server(build_app(container, offline=offline), container).serve([listener])
