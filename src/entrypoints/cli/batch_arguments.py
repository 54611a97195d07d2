"""Defines `modegate batch`."""

import argparse

from modegate.entrypoints.cli.admin_arguments import MODES
from modegate.entrypoints.cli.parser import Commands, FileOption, add_config_file

MAX_CONCURRENCY = 10_000
MAX_RETRIES = 100

RUN = """\
Each line of REQUESTS is a request in the format of OpenAI's Batch API. Each line
of the file of results is a result, in the order in which they come. The same
command goes on after Ctrl-C or a kill: what has a result is not asked again.
Lines that are no requests are listed in FILE.errors.

  modegate batch run requests.jsonl -o results.jsonl --mode claude-code"""


def add_batch(commands: Commands) -> None:
    """Adds `modegate batch`."""
    batch = commands.add_parser("batch", help="answer a file of requests, without a server")
    actions = batch.add_subparsers(required=True, dest="action", metavar="ACTION", title="actions")
    run = actions.add_parser("run", help="answer the requests that have no result yet", epilog=RUN)
    run.add_argument("requests", action=FileOption, metavar="REQUESTS", help="JSON lines; or -")
    run.add_argument(
        "-o", "--output", action=FileOption, metavar="FILE", required=True, help="the results"
    )
    run.add_argument("--mode", choices=MODES, help="(DEFAULT_MODE of the settings)")
    run.add_argument("--concurrency", type=_concurrency, metavar="N", help="requests at once (8)")
    run.add_argument(
        "--retries", type=_retries, default=2, metavar="N", help="of a request that may pass (2)"
    )
    run.add_argument(
        "--retry-failed", action="store_true", help="ask again what failed in earlier runs"
    )
    run.add_argument("--strict", action="store_true", help="stop if a line is no request")
    run.add_argument("--offline", action="store_true", help="answer with a simulated model")
    run.add_argument(
        "--ray", metavar="ADDRESS", help="use a Ray cluster; auto, or local for a new one"
    )
    add_config_file(run)


def _concurrency(text: str) -> int:
    return _number(text, 1, MAX_CONCURRENCY)


def _retries(text: str) -> int:
    return _number(text, 0, MAX_RETRIES)


def _number(text: str, least: int, most: int) -> int:
    if not (text.isdecimal() and text.isascii() and least <= int(text) <= most):
        raise argparse.ArgumentTypeError(f"must be {least} to {most}")
    return int(text)
