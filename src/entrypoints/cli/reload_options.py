"""Reads the options of `modegate reload`."""

import argparse
import os
from collections.abc import Callable

from modegate.entrypoints.cli.admin_options import read_admin_options
from modegate.entrypoints.cli.commands.reload import run_reload
from modegate.entrypoints.cli.gateway_address import UsageError
from modegate.entrypoints.config.address import load_address
from modegate.entrypoints.config.sources import SettingsError


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
