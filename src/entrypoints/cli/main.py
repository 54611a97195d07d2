"""The command line. Commands import their modules when they run, so that `--help` is fast."""

import argparse
import errno
import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from modegate.entrypoints.cli.parser import USAGE_ERROR, Parser

if TYPE_CHECKING:
    from modegate.entrypoints.config.sources import LoadedSettings

FAILURE = 1
INTERRUPTED = 130
READER_GONE = 141
# Errors that only writes to standard output raise.
UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})

STATUSES = """\
exit status:
  0    success; for serve: stopped by a signal
  1    failure; one line on standard error has the reason
  2    wrong usage, or invalid settings
  130  interrupted by Ctrl-C
  141  the reader of standard output has closed it"""

SERVE = """\
environment:
  HOST, PORT   the address to listen on (127.0.0.1, 3456)
  API_KEYS     the keys that clients may use, separated by commas
  `modegate config show` prints all settings; they can also be set in a file"""

CHAT = """\
The answer goes to standard output, everything else to standard error.
Without PROMPT, or with -, the prompt is read from standard input.

environment:
  MODEGATE_KEY   the key to send; without --url, by default the first of the
                 settings' API_KEY and API_KEYS"""


MOST_WORKERS = 256


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit status, as listed by `--help`."""
    _open_standard_files()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # not every terminal encoding has all characters
    try:
        try:
            options = _parser().parse_args(arguments)
            return int(options.run(options))
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return READER_GONE
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        _drop_output()
        print(f"modegate: the output cannot be written: {error.strerror}", file=sys.stderr)
        return FAILURE


def _open_standard_files() -> None:
    """Opens closed standard files, so that no socket or database gets their descriptors."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - of a descriptor, for good


def _drop_output() -> None:
    """Discards buffered output, which would fail again at interpreter exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _count(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= MOST_WORKERS):
        raise argparse.ArgumentTypeError(f"must be 1 to {MOST_WORKERS}")
    return int(text)


def _serve(options: argparse.Namespace) -> int:
    from modegate.entrypoints.cli.commands.serve import run_serve

    return run_serve(_load(options), offline=options.offline, workers=options.workers)


def _chat(options: argparse.Namespace) -> int:
    from modegate.entrypoints.cli.chat_options import UsageError, read_chat_options
    from modegate.entrypoints.cli.commands.chat import run_chat

    loaded = None if options.url else _load(options)
    _clean_environment()
    try:
        question = read_chat_options(options, loaded, os.environ)
    except UsageError as error:
        return _refuse(str(error))
    return run_chat(question)


def _config(options: argparse.Namespace) -> int:
    if options.what is None:
        options.refuse("say `modegate config show`")
    loaded = _load(options)
    for warning in loaded.warnings:
        print(f"modegate: warning: {warning}", file=sys.stderr)
    print("\n".join(loaded.describe()))
    return 0


def _doctor(options: argparse.Namespace) -> int:
    import asyncio

    from modegate.entrypoints.cli.commands.doctor import run_doctor

    loaded = _load(options)
    return asyncio.run(run_doctor(loaded.settings, live=options.live, warnings=loaded.warnings))


def _demo(_options: argparse.Namespace) -> int:
    import asyncio

    from modegate.entrypoints.cli.commands.demo import run_demo

    _clean_environment()
    return asyncio.run(run_demo())


def _load(options: argparse.Namespace) -> "LoadedSettings":
    from modegate.entrypoints.config.sources import SettingsError, load_settings

    written = dict(os.environ)
    _clean_environment()
    try:
        return load_settings(written, options.config)
    except SettingsError as error:
        raise SystemExit(_refuse(*error.faults)) from None


def _clean_environment() -> None:
    """Cleans the environment variables that proxies, TLS, the SDK and children read."""
    from modegate.entrypoints.config.inherited_variables import clean_inherited

    os.environ.update(clean_inherited(os.environ).changes)


def _refuse(*faults: str) -> int:
    for fault in faults:
        print(f"modegate: {fault}", file=sys.stderr)
    return USAGE_ERROR


def _parser() -> Parser:
    parser = Parser(
        prog="modegate",
        description="One OpenAI-compatible endpoint in front of the OpenAI API and the claude CLI.",
        epilog=STATUSES,
    )
    parser.add_argument("--version", action="version", version=version("modegate"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND", title="commands")
    serve = commands.add_parser("serve", help="run the gateway", epilog=SERVE)
    serve.add_argument("--offline", action="store_true", help="answer with a simulated model")
    serve.add_argument(
        "--workers", type=_count, default=1, metavar="N", help="number of worker processes (1)"
    )
    chat = _add_chat(commands)
    config = commands.add_parser("config", help="show the settings and their sources")
    config.add_argument("what", choices=["show"], nargs="?", help="print each setting")
    config.set_defaults(refuse=config.error)
    doctor = commands.add_parser("doctor", help="check the set-up, and print advice")
    doctor.add_argument("--live", action="store_true", help="also send a request to each backend")
    for command in (serve, chat, config, doctor):
        command.add_argument("--config", metavar="FILE", help="read this TOML file")
    demo = commands.add_parser("demo", help="show both modes, offline")
    for command, run in (
        (serve, _serve),
        (chat, _chat),
        (config, _config),
        (doctor, _doctor),
        (demo, _demo),
    ):
        command.set_defaults(run=run)
    return parser


def _add_chat(commands: "argparse._SubParsersAction[Parser]") -> Parser:
    chat = commands.add_parser(
        "chat",
        help="send a prompt to a running gateway",
        epilog=CHAT,
        surplus="the prompt is one argument: put it in quotes",
    )
    chat.add_argument("prompt", nargs="?", metavar="PROMPT", help="the prompt, in quotes")
    chat.add_argument("--claude", action="store_true", help="use Claude Code, not the upstream")
    chat.add_argument("--session", metavar="ID", help="continue this session of Claude Code")
    chat.add_argument("--model", metavar="NAME", help="gpt-4o, for Claude Code: default")
    chat.add_argument("--url", help="the gateway's address; by default the settings' HOST and PORT")
    return chat


if __name__ == "__main__":
    sys.exit(main())
