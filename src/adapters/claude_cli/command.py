"""What a child is started with, and what it is told on standard input."""

import json
from dataclasses import dataclass

from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.domain.prompt import Prompt
from modegate.domain.turn import ClaudeTurn

BASICS = (
    "--print",
    "--input-format=stream-json",
    "--output-format=stream-json",
    "--verbose",
    "--include-partial-messages",
    # Nothing of the host's own Claude Code set-up is picked up.
    "--setting-sources=",
    "--strict-mcp-config",
)
HARDENING = (
    # Confines what is left of file access to the empty working folder.
    "--restricted",
    # A tool that nobody allowed is denied; without this the CLI waits for an answer.
    "--permission-prompts=none",
    # The system prompt of a resumed turn is the one sent with it, with a login as with a key.
    "--system-prompt-snapshot=off",
)


OPTIONAL = ("--bare", "--effort", "--allowedTools")


@dataclass(frozen=True, slots=True)
class Features:
    """The options that an executable knows, as its `--help` lists them; empty: not asked yet."""

    options: frozenset[str] = frozenset()

    def has(self, argument: str) -> bool:
        """Whether the option in `argument` may be used."""
        return not self.options or argument.partition("=")[0] in self.options


def build_command(turn: ClaudeTurn, options: ClaudeOptions, features: Features) -> list[str]:
    """The arguments behind the executable: no positional one, and nothing that a client wrote.

    What a client chose (model, session, effort) comes from a table or was parsed, and is joined to
    its option.
    """
    session = "--resume" if turn.resume else "--session-id"
    wished = [*HARDENING]
    if options.uses_bare:
        wished.append("--bare")
    if turn.effort is not None:
        wished.append(f"--effort={turn.effort.value}")
    if options.tools:
        wished.append(f"--allowedTools={','.join(options.tools)}")
    return [
        *BASICS,
        f"--tools={','.join(options.tools)}",
        f"--model={turn.cli_model}",
        f"{session}={turn.session.cli_session_id}",
        *filter(features.has, wished),
    ]


def build_input(prompt: Prompt) -> bytes:
    """The two lines that set the system prompt and begin the turn.

    Both are JSON on standard input, where length, leading hyphens and NUL do no harm.
    """
    initialize = {
        "type": "control_request",
        "request_id": "initialize",
        "request": {"subtype": "initialize", "systemPrompt": prompt.system},
    }
    turn = {
        "type": "user",
        "message": {"role": "user", "content": as_plain_text(prompt.text)},
        "parent_tool_use_id": None,
        "session_id": "default",
    }
    return b"".join(json.dumps(line).encode() + b"\n" for line in (initialize, turn))


def as_plain_text(text: str) -> str:
    """`text`, with a newline before it where the CLI would run it as one of its own commands.

    Measured on 2.1.329: `/cost` at the very start is a command whatever the options say; behind any
    white space it is text.
    """
    return f"\n{text}" if text.startswith("/") else text
