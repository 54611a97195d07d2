"""What a process is started with."""

from dataclasses import dataclass

from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.domain.param_policy import Effort
from modegate.domain.session import SessionId
from modegate.domain.turn import Turn

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
# Who lists it reads turns from standard input, one after the other.
CONVERSES = "--input-format"


@dataclass(frozen=True, slots=True)
class Features:
    """The options that an executable knows, as its `--help` lists them; empty: it did not say."""

    options: frozenset[str] = frozenset()

    def has(self, argument: str) -> bool:
        """Whether the option in `argument` may be used."""
        return not self.options or argument.partition("=")[0] in self.options

    @property
    def supports_multiple_turns(self) -> bool:
        """Whether a process may be given more than one turn."""
        return CONVERSES in self.options


@dataclass(frozen=True, slots=True)
class Launch:
    """What a process is for, from its start to its end; `cli_session_id` is the CLI's own."""

    session_id: SessionId
    cli_session_id: str
    cli_model: str
    effort: Effort | None = None
    resume: bool = False

    @classmethod
    def of(cls, turn: Turn) -> "Launch":
        """For a turn."""
        session = turn.session
        return cls(session.id, session.cli_session_id, turn.cli_model, turn.effort, turn.resume)

    def serves(self, turn: Turn) -> bool:
        """Whether its process can take the turn, one of the same session."""
        return (self.cli_model, self.effort) == (turn.cli_model, turn.effort)


def build_command(launch: Launch, options: ClaudeOptions, features: Features) -> list[str]:
    """The arguments behind the executable: no positional one, and nothing that a client wrote.

    What a client chose (model, session, effort) comes from a table or was parsed, and is joined to
    its option.
    """
    session = "--resume" if launch.resume else "--session-id"
    wished = [*HARDENING]
    if options.uses_bare:
        wished.append("--bare")
    if launch.effort is not None:
        wished.append(f"--effort={launch.effort.value}")
    if options.tools:
        wished.append(f"--allowedTools={','.join(options.tools)}")
    return [
        *BASICS,
        f"--tools={','.join(options.tools)}",
        f"--model={launch.cli_model}",
        f"{session}={launch.cli_session_id}",
        *filter(features.has, wished),
    ]
