"""The command line of a process."""

from dataclasses import field, replace

from modegate.adapters.claude_cli.command.replay import replay_of
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.tools.offered_tools import SERVER
from modegate.adapters.claude_cli.tools.tool_server import MCP_CONFIG
from modegate.domain.conversation.message import Message
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.session import SessionId
from modegate.domain.turn import Turn
from modegate.lazy_dataclass import dataclass

BASICS = (
    "--print",
    "--input-format=stream-json",
    "--output-format=stream-json",
    "--verbose",
    "--include-partial-messages",
    # Ignore the host's own Claude Code settings and MCP servers.
    "--setting-sources=",
    "--strict-mcp-config",
)
HARDENING = (
    # Confine the remaining file access to the empty working folder.
    "--restricted",
    # Deny tools that are not allowed; without this the CLI waits for an answer.
    "--permission-prompts=none",
    # Use the system prompt sent with a resumed turn, both with a login and with a key.
    "--system-prompt-snapshot=off",
)
OPTIONAL = ("--bare", "--effort", "--allowedTools", "--settings", "--mcp-config")
# The client's tools, which the gateway lists over the control protocol. Given to each process, so
# that a prewarmed one has done its part of the handshake before its tools are known.
CLIENT_TOOLS = f"--mcp-config={MCP_CONFIG}"
CLIENT_TOOLS_ALLOWED = f"mcp__{SERVER}"
# Measured on 2.1.329: requests then have no `thinking`. No value of `--effort` does that.
NO_REASONING = '--settings={"env":{"CLAUDE_CODE_DISABLE_THINKING":"1"}}'
# An executable that lists this option reads several turns from standard input.
CONVERSES = "--input-format"
RESUMES = "--resume"


@dataclass(frozen=True, slots=True)
class Features:
    """The options that `--help` lists; empty if it did not answer."""

    options: frozenset[str] = frozenset()

    def has(self, argument: str) -> bool:
        """Returns whether the option in `argument` may be used."""
        return not self.options or argument.partition("=")[0] in self.options

    @property
    def supports_multiple_turns(self) -> bool:
        """Whether a process can take more than one turn."""
        return CONVERSES in self.options


@dataclass(frozen=True, slots=True)
class Launch:
    """A process's session and model, fixed at its start; `cli_session_id` is the CLI's.

    `effort` is set where the executable takes no settings between turns. `results` are those of the
    calls with which a resumed conversation ends, and which no process waits for. A new session
    begins with the transcript of `history`, if it has one. `goes_on_alone` is whether the CLI then
    answers without a prompt.
    """

    session_id: SessionId
    cli_session_id: str
    cli_model: str
    effort: Effort | None = None
    resume: bool = False
    results: tuple[Message, ...] = field(default=(), repr=False)
    history: tuple[Message, ...] = field(default=(), repr=False)
    goes_on_alone: bool = False

    @classmethod
    def of(cls, turn: Turn) -> "Launch":
        """Returns the launch for a turn."""
        session = turn.session
        launch = cls(session.id, session.cli_session_id, turn.cli_model, turn.effort, turn.resume)
        if turn.resume:
            results = turn.prompt.results
            alone = bool(results) and not turn.prompt.asked
            return replace(launch, results=results, goes_on_alone=alone)
        replay = replay_of(turn.prompt)
        return replace(launch, history=replay.history, goes_on_alone=not replay.asked.turn)

    def suited_to(self, features: Features) -> "Launch":
        """Returns the launch for an executable, without the history if it resumes none."""
        if not self.history or features.has(RESUMES):
            return self
        return replace(self, history=(), goes_on_alone=False)

    def serves(self, turn: Turn, *, changes_settings: bool) -> bool:
        """Returns whether the process can take a turn of its session: the same model.

        Without `changes_settings`, also the same effort.
        """
        return self.cli_model == turn.cli_model and (changes_settings or self.effort == turn.effort)


def build_command(launch: Launch, options: ClaudeOptions, features: Features) -> list[str]:
    """Returns the arguments after the executable: none is positional or free text of a client.

    A client's choices (model, session, effort) come from a table or were parsed. Each is joined to
    its option with `=`.
    """
    session = RESUMES if launch.resume or launch.history else "--session-id"
    wished = [*HARDENING]
    if options.uses_bare:
        wished.append("--bare")
    if launch.effort is Effort.NONE:
        wished.append(NO_REASONING)
    elif launch.effort is not None:
        wished.append(f"--effort={launch.effort.value}")
    allowed = [*options.tools]
    if features.has(CLIENT_TOOLS):
        wished.append(CLIENT_TOOLS)
        allowed.append(CLIENT_TOOLS_ALLOWED)
    if allowed:
        wished.append(f"--allowedTools={','.join(allowed)}")
    return [
        *BASICS,
        f"--tools={','.join(options.tools)}",
        f"--model={launch.cli_model}",
        f"{session}={launch.cli_session_id}",
        *filter(features.has, wished),
    ]
