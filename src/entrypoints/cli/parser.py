"""Parses the command line and reports wrong usage in one line."""

import argparse
import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

USAGE_ERROR = 2
# Any other argument with a dash may be a prompt or contain a key, so messages do not repeat it.
OPTION = re.compile(r"(--[a-z][a-z0-9_-]{0,30})(=.*)?", re.DOTALL)
ADDRESS = frozenset({"--host", "--port", "--bind", "--listen", "--address"})


class FileOption(argparse.Action):
    """An option whose value is the path of a file, which shells complete."""

    @property
    def complete(self) -> object:
        """The completion of a path, which `shtab` reads."""
        import shtab  # noqa: PLC0415 - not needed to parse

        return shtab.FILE

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - the interface of argparse
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        """Stores the path."""
        setattr(namespace, self.dest, values)


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Omits the line with the metavar of subcommands, so that the help fits a screen."""

    def _format_action(self, action: argparse.Action) -> str:
        text = super()._format_action(action)
        is_group = isinstance(action.choices, dict) and action.help is None
        return text.partition("\n")[2] if is_group else text


class Parser(argparse.ArgumentParser):
    """Reports wrong usage in one line and accepts no abbreviated options.

    `surplus` is the message for an unexpected argument.
    """

    def __init__(self, *, surplus: str = "unexpected argument", **rest: Any) -> None:
        super().__init__(allow_abbrev=False, formatter_class=HelpFormatter, **rest)
        self._surplus = surplus

    def error(self, message: str) -> NoReturn:
        """Prints the message and exits with status 2."""
        self.exit(USAGE_ERROR, f"{self.prog}: {message}: see `{self.prog} --help`\n")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Rejects unknown arguments immediately, because the subcommand has the best message."""
        known, left = super().parse_known_args(args, namespace)
        if left:
            self.error(self._left_over(left))
        return known, left

    def check_order(self, arguments: Sequence[str]) -> None:
        """Reports an option of a command that comes before the command.

        Raises:
            SystemExit: with status 2.
        """
        first, _, _ = (arguments[0] if arguments else "").partition("=")
        found = {name: it.option_named(first) for name, it in self._commands().items()}
        having = {name: option for name, option in found.items() if option is not None}
        if self.option_named(first) or not having:
            return
        command = next((it for it in arguments if it in having), next(iter(having)))
        value = f" {having[command].metavar}" if having[command].metavar else ""
        self.error(f"{first} belongs after the command: `{self.prog} {command} {first}{value}`")

    def option_named(self, name: str) -> argparse.Action | None:
        """Returns the option with this name, such as `--config`; None if there is none."""
        return self._option_string_actions.get(name)

    def _commands(self) -> Mapping[str, "Parser"]:
        kind = argparse._SubParsersAction  # noqa: SLF001 - it has no public name
        return next((it.choices for it in self._actions if isinstance(it, kind)), {})

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
            return ": the variables HOST and PORT set the address"
        return f": it is a setting, set {variable}" if (variable := _variable(option)) else ""


def _variable(option: str) -> str:
    """Returns the variable of a setting with the name of the option; empty if there is none."""
    from modegate.entrypoints.config.settings import Settings  # noqa: PLC0415 - not needed for `--help`

    name = option.removeprefix("--").replace("-", "_")
    return name.upper() if name in Settings.model_fields else ""


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"  # noqa: SLF001 - it has no public name


def add_config_file(command: Parser, default: str | None = None) -> None:
    """Adds `--config`."""
    what = "read this TOML file"
    command.add_argument("--config", action=FileOption, metavar="FILE", default=default, help=what)
