"""Defines the commands, their options and their `--help` texts."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

from modegate.entrypoints.cli.admin_arguments import (
    add_credentials,
    add_keys,
    add_reload,
    add_usage,
)
from modegate.entrypoints.cli.batch_arguments import add_batch
from modegate.entrypoints.cli.parser import Commands, FileOption, Parser, add_config_file

MAX_WORKERS = 256
SOURCES = ("litellm", "portkey")
SHELLS = ("bash", "fish", "zsh")

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

COMPLETION = """\
For bash, add this line to ~/.bashrc:
  eval "$(modegate completion bash)\""""


IMPORT = """\
The settings go to standard output; the secrets to set, and what could not be
carried over, to standard error. Secrets are never printed.

  modegate import litellm config.yaml > modegate.toml"""


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parses the arguments, by default those of this process.

    Raises:
        SystemExit: after `--help` and `--version`, and with status 2 after wrong usage.
    """
    given = sys.argv[1:] if arguments is None else arguments
    parser = build_parser(given[0] if given and given[0] in COMMANDS else None)
    parser.check_order(given)
    return parser.parse_args(given)


def build_parser(command: str | None = None) -> Parser:
    """Returns the parser; it sets `command` to the name of the command.

    With a `command`, it parses no other, which saves most of the time to build it.
    """
    parser = Parser(
        prog="modegate",
        description="One OpenAI-compatible endpoint in front of the OpenAI API and the claude CLI.",
        epilog=STATUSES,
    )
    commands = parser.add_subparsers(
        required=True, dest="command", metavar="COMMAND", title="commands"
    )
    if command is not None:
        COMMANDS[command](commands)
        return parser
    parser.add_argument("-V", "--version", action="version", version=version("modegate"))
    for add in COMMANDS.values():
        add(commands)
    return parser


def _add_serve(commands: Commands) -> None:
    serve = commands.add_parser("serve", help="run the gateway", epilog=SERVE)
    serve.add_argument("--offline", action="store_true", help="answer with a simulated model")
    serve.add_argument(
        "--workers", type=_workers, default=1, metavar="N", help="number of worker processes (1)"
    )
    serve.add_argument("--watch", action="store_true", help="reload when the file changes")
    add_config_file(serve)


def _workers(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= MAX_WORKERS):
        raise argparse.ArgumentTypeError(f"must be 1 to {MAX_WORKERS}")
    return int(text)


def _add_chat(commands: Commands) -> None:
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
    add_config_file(chat)


def _add_config(commands: Commands) -> None:
    config = commands.add_parser("config", help="show the settings and their sources")
    config.add_argument("action", choices=["show"], nargs="?", help="print each setting")
    config.set_defaults(error=config.error)
    add_config_file(config)


def _add_doctor(commands: Commands) -> None:
    doctor = commands.add_parser("doctor", help="check the set-up, and print advice")
    doctor.add_argument("--live", action="store_true", help="also send a request to each backend")
    add_config_file(doctor)


def _add_demo(commands: Commands) -> None:
    commands.add_parser("demo", help="show both modes, offline")


def _add_import(commands: Commands) -> None:
    importing = commands.add_parser(
        "import", help="convert the configuration of another gateway", epilog=IMPORT
    )
    importing.add_argument("source", choices=SOURCES, help="the gateway that the file is of")
    importing.add_argument("file", action=FileOption, metavar="FILE", help="its file; or -")


def _add_completion(commands: Commands) -> None:
    completion = commands.add_parser(
        "completion", help="print a completion script for a shell", epilog=COMPLETION
    )
    completion.add_argument("shell", choices=SHELLS, help="the shell that reads the script")


COMMANDS: Mapping[str, Callable[[Commands], None]] = {
    "serve": _add_serve,
    "chat": _add_chat,
    "batch": add_batch,
    "credentials": add_credentials,
    "keys": add_keys,
    "usage": add_usage,
    "reload": add_reload,
    "config": _add_config,
    "doctor": _add_doctor,
    "demo": _add_demo,
    "import": _add_import,
    "completion": _add_completion,
}
