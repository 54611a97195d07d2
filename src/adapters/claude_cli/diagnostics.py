"""Diagnostics of the executable, for operators."""

from modegate.adapters.claude_cli.command.command_line import HARDENING, OPTIONAL
from modegate.adapters.claude_cli.command.environment import build_environment
from modegate.adapters.claude_cli.command.executable import find_executable
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.process.capabilities import FeatureProbe, run_and_capture
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class CliDiagnostics:
    """The executable's path and version, and which of modegate's options it lacks.

    `path` is None if there is no executable; `version` is None if it does not answer.
    `converses` is True if a process can be kept between two turns.
    """

    path: str | None
    version: str | None = None
    unknown_options: tuple[str, ...] = ()
    converses: bool = False


async def examine(options: ClaudeOptions) -> CliDiagnostics:
    """Runs the executable with `--version` and `--help`; asks no model."""
    path = find_executable(options.executable, options.environment.get("PATH"))
    if path is None:
        return CliDiagnostics(None)
    environment = build_environment(options)
    try:
        version = await run_and_capture(path, "--version", environment)
        features = await FeatureProbe(environment).ask(path)
    except OSError:
        return CliDiagnostics(path)
    used = (argument.partition("=")[0] for argument in (*HARDENING, *OPTIONAL))
    unknown = tuple(name for name in used if not features.has(name))
    first_line = (version or "").strip().partition("\n")[0]
    return CliDiagnostics(path, first_line or None, unknown, features.supports_multiple_turns)
