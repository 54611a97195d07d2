"""What an operator wants to know of the executable before the first request."""

from dataclasses import dataclass

from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.process.capabilities import FeatureProbe, run_and_capture
from modegate.adapters.claude_cli.process.command_line import HARDENING, OPTIONAL
from modegate.adapters.claude_cli.process.environment import build_environment
from modegate.adapters.claude_cli.process.executable import find_executable


@dataclass(frozen=True, slots=True)
class CliDiagnostics:
    """Where the executable is, what it calls itself, and which options of ours it does not know.

    `path` is None where there is none, `version` where it does not answer. `converses` tells whether
    a process may be kept between two turns.
    """

    path: str | None
    version: str | None = None
    unknown_options: tuple[str, ...] = ()
    converses: bool = False


async def examine(options: ClaudeOptions) -> CliDiagnostics:
    """Look at the executable; asks no model."""
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
