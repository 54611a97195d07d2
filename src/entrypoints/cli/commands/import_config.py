"""`modegate import`: prints the settings that another gateway's configuration stands for."""

import sys
from pathlib import Path

from modegate.entrypoints.cli.importing.carried import Carried
from modegate.entrypoints.cli.importing.litellm.convert import import_litellm
from modegate.entrypoints.cli.importing.parsing import PARSERS, UnreadableError
from modegate.entrypoints.cli.importing.portkey.convert import import_portkey
from modegate.entrypoints.cli.importing.toml_text import toml_of
from modegate.entrypoints.config.value_cleaning import printable

STANDARD = "-"
TITLES = {"litellm": "LiteLLM", "portkey": "Portkey"}


def run_import_config(source: str, file: str) -> int:
    """Prints the TOML on standard output and what it lacks on standard error.

    Returns the exit status: 1 if the file cannot be read, or nothing in it can be carried over.
    """
    name = printable("standard input" if file == STANDARD else file)
    try:
        carried = _convert(source, PARSERS[source](_read(file)))
    except OSError as error:
        return _fail(f"{name} cannot be read: {error.strerror}")
    except UnreadableError as error:
        return _fail(f"{name} {error}")
    except RecursionError:
        return _fail(f"{name} is nested too deep")
    if not carried.is_empty:
        print(toml_of(carried, f"By `modegate import {source}` from {name}"), end="")
    for to_do in carried.to_do:
        _report(f"to do: {to_do.what}")
    for left in carried.leftovers:
        _report(f"not carried over: {left.where}: {left.why}")
    if carried.is_empty:
        return _fail(f"{name} has nothing of {TITLES[source]} that can be carried over")
    return 0


def _read(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == STANDARD else Path(file).read_bytes()


def _convert(source: str, root: object) -> Carried:
    if source == "litellm":
        return import_litellm(root)
    return import_portkey(root)


def _fail(message: str) -> int:
    _report(message)
    return 1


def _report(message: str) -> None:
    print(f"modegate: {printable(message)}", file=sys.stderr)
