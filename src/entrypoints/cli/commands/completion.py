"""`modegate completion`: prints a completion script for a shell."""

import shtab

from modegate.entrypoints.cli.arguments import build_parser


def run_completion(shell: str) -> int:
    """Prints the script, which contains all commands and options, and returns 0."""
    print(shtab.complete(build_parser(), shell))
    return 0
