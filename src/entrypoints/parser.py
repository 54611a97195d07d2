"""Reads the command line, and says in one line what is wrong with it."""

import argparse
import difflib
import re
from collections.abc import Sequence
from typing import Any, NoReturn

USAGE_ERROR = 2
# Anything else that begins with a dash may be a prompt, or hold a key, and is not repeated.
OPTION = re.compile(r"(--[a-z][a-z0-9_-]{0,30})(=.*)?", re.DOTALL)
ADDRESS = frozenset({"--host", "--port", "--bind", "--listen", "--address"})


class Parser(argparse.ArgumentParser):
    """Tells a wrong usage in one line, and takes no option by half of its name.

    `surplus` is said of an argument too many.
    """

    def __init__(self, *, surplus: str = "there is an argument too many", **rest: Any) -> None:
        super().__init__(
            allow_abbrev=False, formatter_class=argparse.RawDescriptionHelpFormatter, **rest
        )
        self._surplus = surplus

    def error(self, message: str) -> NoReturn:
        """End with the status for wrong usage."""
        self.exit(USAGE_ERROR, f"{self.prog}: {message}: see `{self.prog} --help`\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse what is left over at once: the command that was given it knows best why."""
        known, left = super().parse_known_args(args, namespace)
        if left:
            self.error(self._left_over(left))
        return known, left

    def _left_over(self, left: Sequence[str]) -> str:
        wrong = next((argument for argument in left if argument.startswith("-")), None)
        if wrong is None:
            return self._surplus
        option = OPTION.fullmatch(wrong)
        if option is None:
            return "unknown option"
        return f"unknown option {option[1]}{self._hint(option[1])}"

    def _hint(self, option: str) -> str:
        if near := difflib.get_close_matches(option, self._option_string_actions, n=1, cutoff=0.75):
            return f"; did you mean {near[0]}?"
        if option in ADDRESS:
            return ": the variables HOST and PORT say where the gateway is"
        return f": it is a setting, set {variable}" if (variable := _variable(option)) else ""


def _variable(option: str) -> str:
    """The setting that somebody took for an option; empty where it is none."""
    from modegate.entrypoints.settings import Settings  # noqa: PLC0415 - `--help` has no need of it

    name = option.removeprefix("--").replace("-", "_")
    return name.upper() if name in Settings.model_fields else ""
