"""Reads the options of a reload: how `serve` reads its settings again, and how `reload` asks it."""

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from modegate.entrypoints.cli.admin_options import read_admin_options
from modegate.entrypoints.cli.commands.reload import run_reload
from modegate.entrypoints.cli.gateway_address import UsageError
from modegate.entrypoints.config.address import load_address
from modegate.entrypoints.config.sources import LoadedSettings, SettingsError, load_settings
from modegate.entrypoints.config.written_settings import locate_file

Load = Callable[[], LoadedSettings]
FindFile = Callable[[], Path | None]


def rereading(
    options: argparse.Namespace, environment: Mapping[str, str]
) -> tuple[Load, FindFile | None]:
    """Returns what reads the settings again, and what finds the file to watch, if any."""

    def load() -> LoadedSettings:
        return load_settings(
            environment, options.config, with_upstreams=not options.offline, is_reload=True
        )

    def find_file() -> Path | None:
        return locate_file(environment, options.config)

    return load, find_file if options.watch else None


def run_reload_of(
    options: argparse.Namespace,
    clean_environment: Callable[[], None],
    report: Callable[..., int],
) -> int:
    """Runs `modegate reload`; returns the exit status."""
    environment = dict(os.environ)
    clean_environment()
    try:
        loaded = None if options.url else load_address(environment, options.config)
        admin_options = read_admin_options(options, loaded, os.environ)
    except SettingsError as error:
        report(*error.faults)
        return 1
    except UsageError as error:
        return report(str(error))
    return run_reload(admin_options, as_json=options.json)
