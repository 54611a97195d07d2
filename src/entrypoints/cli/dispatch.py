"""Runs the command of parsed arguments. Imports a command's modules only when it runs."""

import argparse
import gc
import os
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from modegate.entrypoints.cli.parser import USAGE_ERROR

if TYPE_CHECKING:
    from modegate.entrypoints.config.sources import LoadedSettings


def run_command(options: argparse.Namespace) -> int:
    """Runs the command and returns its exit status.

    Raises:
        SystemExit: with status 2, if the settings are invalid.
    """
    return COMMANDS[options.command](options)


def _serve(options: argparse.Namespace) -> int:
    # The collector would scan the modules again and again while they are imported, which takes a
    # quarter of the start-up. The server enables it.
    gc.disable()
    try:
        from modegate.entrypoints.http.server.stop_signals import ignore_hangups

        ignore_hangups()  # until the server can reload
        from modegate.entrypoints.cli.commands.serve import run_serve
        from modegate.entrypoints.cli.rereading import rereading

        environment = dict(os.environ)
        loaded = _load_settings(options, with_upstreams=not options.offline)
        load, find_file = rereading(options, environment)
        return run_serve(
            loaded, load, offline=options.offline, workers=options.workers, find_file=find_file
        )
    finally:
        gc.enable()


def _chat(options: argparse.Namespace) -> int:
    from modegate.entrypoints.cli.chat_options import read_chat_options
    from modegate.entrypoints.cli.commands.chat import run_chat
    from modegate.entrypoints.cli.gateway_address import UsageError

    loaded = None
    if not options.url:
        loaded = _load_settings(options, with_upstreams=False, with_secrets=False)
    _clean_environment()
    try:
        chat_options = read_chat_options(options, loaded, os.environ)
    except UsageError as error:
        return _report_faults(str(error))
    return run_chat(chat_options)


def _batch(options: argparse.Namespace) -> int:
    import asyncio

    from modegate.entrypoints.bootstrap.log_config import configure_logging
    from modegate.entrypoints.cli.batch_options import read_batch_options
    from modegate.entrypoints.cli.commands.batch import run_batch

    settings = _load_settings(options, with_upstreams=not options.offline).settings
    configure_logging("error", "pretty")
    return asyncio.run(run_batch(read_batch_options(options, settings), settings))


def _credentials(options: argparse.Namespace) -> int:
    from modegate.entrypoints.cli.admin_options import read_admin_options
    from modegate.entrypoints.cli.commands.credentials import run_credentials
    from modegate.entrypoints.cli.gateway_address import UsageError

    loaded = None if options.url else _load_settings(options)
    _clean_environment()
    try:
        admin_options = read_admin_options(options, loaded, os.environ)
    except UsageError as error:
        return _report_faults(str(error))
    return run_credentials(admin_options, options.action, options.id, as_json=options.json)


def _keys(options: argparse.Namespace) -> int:
    from modegate.entrypoints.cli.admin_options import read_admin_options
    from modegate.entrypoints.cli.commands.keys import run_keys
    from modegate.entrypoints.cli.gateway_address import UsageError

    loaded = None if options.url else _load_settings(options)
    _clean_environment()
    try:
        admin_options = read_admin_options(options, loaded, os.environ)
    except UsageError as error:
        return _report_faults(str(error))
    return run_keys(admin_options, options)


def _usage(options: argparse.Namespace) -> int:
    if options.action is not None:
        return _transfer(options)
    from modegate.entrypoints.cli.admin_options import read_admin_options
    from modegate.entrypoints.cli.commands.usage import run_usage
    from modegate.entrypoints.cli.gateway_address import UsageError
    from modegate.entrypoints.cli.usage_options import read_usage_options

    loaded = None if options.url else _load_settings(options)
    _clean_environment()
    try:
        admin_options = read_admin_options(options, loaded, os.environ)
        parameters = read_usage_options(options)
    except UsageError as error:
        return _report_faults(str(error))
    return run_usage(admin_options, parameters, as_json=options.json)


def _transfer(options: argparse.Namespace) -> int:
    import asyncio

    from modegate.entrypoints.cli.commands.usage_transfer import run_export, run_import

    settings = _load_settings(options).settings
    run = run_export if options.action == "export" else run_import
    return asyncio.run(run(settings, options.file))


def _reload(options: argparse.Namespace) -> int:
    from modegate.entrypoints.cli.reload_options import run_reload_of

    return run_reload_of(options, _clean_environment, _report_faults)


def _config(options: argparse.Namespace) -> int:
    if options.action is None:
        options.error("say `modegate config show`")
    from modegate.entrypoints.cli.commands.config import run_config_show

    return run_config_show(_load_settings(options))


def _doctor(options: argparse.Namespace) -> int:
    import asyncio

    from modegate.entrypoints.cli.commands.doctor import run_doctor

    loaded = _load_settings(options)
    return asyncio.run(run_doctor(loaded.settings, live=options.live, warnings=loaded.warnings))


def _demo(_options: argparse.Namespace) -> int:
    import asyncio

    from modegate.entrypoints.cli.commands.demo import run_demo

    _clean_environment()
    return asyncio.run(run_demo())


def _import(options: argparse.Namespace) -> int:
    from modegate.entrypoints.cli.commands.import_config import run_import_config

    return run_import_config(options.source, options.file)


def _completion(options: argparse.Namespace) -> int:
    from modegate.entrypoints.cli.commands.completion import run_completion

    return run_completion(options.shell)


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "serve": _serve,
    "chat": _chat,
    "batch": _batch,
    "credentials": _credentials,
    "keys": _keys,
    "usage": _usage,
    "reload": _reload,
    "config": _config,
    "doctor": _doctor,
    "demo": _demo,
    "import": _import,
    "completion": _completion,
}


def _load_settings(
    options: argparse.Namespace, *, with_upstreams: bool = True, with_secrets: bool = True
) -> "LoadedSettings":
    from modegate.entrypoints.config.sources import SettingsError, load_settings

    environment = dict(os.environ)
    _clean_environment()
    try:
        return load_settings(
            environment,
            options.config,
            with_upstreams=with_upstreams,
            with_secrets=with_secrets,
        )
    except SettingsError as error:
        raise SystemExit(_report_faults(*error.faults)) from None


def _clean_environment() -> None:
    """Cleans the environment variables that proxies, TLS, the SDK and children read."""
    from modegate.entrypoints.config.inherited_variables import clean_inherited

    os.environ.update(clean_inherited(os.environ).changes)


def _report_faults(*faults: str) -> int:
    for fault in faults:
        print(f"modegate: {fault}", file=sys.stderr)
    return USAGE_ERROR
