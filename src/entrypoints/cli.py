"""The command line."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

import uvloop

from modegate.entrypoints.container import Container
from modegate.entrypoints.demo import run_demo
from modegate.entrypoints.doctor import run_doctor
from modegate.entrypoints.logging import configure_logging
from modegate.entrypoints.offline import offline_container
from modegate.entrypoints.server import (
    AddressError,
    announce,
    build_app,
    build_server,
    closing,
    listen,
)
from modegate.entrypoints.settings import Settings
from modegate.entrypoints.settings_sources import LoadedSettings, SettingsError, load_settings

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit status: 0 success, 1 failure, 2 wrong usage or settings."""
    options = _parser().parse_args(arguments)
    if options.command == "demo":
        return asyncio.run(run_demo())
    try:
        loaded = load_settings(os.environ, options.config)
    except SettingsError as error:
        for fault in error.faults:
            print(f"modegate: {fault}", file=sys.stderr)
        return USAGE_ERROR
    if options.command == "config":
        print("\n".join(loaded.describe()))
        return 0
    if options.command == "doctor":
        return asyncio.run(_doctor(loaded.settings, live=options.live))
    return _serve(loaded, offline=options.offline)


async def _doctor(settings: Settings, *, live: bool) -> int:
    configure_logging("error", "pretty")
    container = Container(settings=settings)
    try:
        return await run_doctor(container, live=live)
    finally:
        for close in closing(container):
            await close()


def _serve(loaded: LoadedSettings, *, offline: bool) -> int:
    configure_logging(loaded.settings.log_level, loaded.settings.log_format)
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
    host, port = listener.getsockname()[:2]
    keys = len(settings.all_keys())
    announce(f"http://{host}:{port}", container.check_health()(), keys)
    await build_server(build_app(container, offline=offline), container).serve([listener])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="modegate",
        description="One OpenAI-compatible endpoint in front of the OpenAI API and the claude CLI.",
    )
    parser.add_argument("--version", action="version", version=version("modegate"))
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="run the gateway")
    serve.add_argument("--offline", action="store_true", help="answer with a simulated model")
    config = commands.add_parser("config", help="show the settings, and where they come from")
    config.add_argument("what", choices=["show"])
    doctor = commands.add_parser("doctor", help="check the set-up, and say what to do")
    doctor.add_argument("--live", action="store_true", help="ask Claude and the upstream, too")
    for command in (serve, config, doctor):
        command.add_argument("--config", metavar="FILE", help="read this TOML file")
    commands.add_parser("demo", help="see both modes at work, offline")
    return parser


if __name__ == "__main__":
    sys.exit(main())
