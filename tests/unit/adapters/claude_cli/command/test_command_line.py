from dataclasses import replace
from pathlib import Path

import pytest

from modegate.adapters.claude_cli.command.command_line import Features, Launch, build_command
from modegate.adapters.claude_cli.command.environment import build_environment
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.domain.access.client import ANONYMOUS
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.parameters.param_policy import Effort
from modegate.domain.session import Session, SessionId
from modegate.domain.turn import Turn

ID = SessionId("3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11")
STATE = Path("state")
ALL = Features()


def turn(*, resume: bool = False, effort: Effort | None = None) -> Turn:
    return Turn(
        cli_model="opus",
        prompt=Prompt.of_text("--help", "sys"),
        session=Session.start(ID, ANONYMOUS.id, 0.0).touched(1.0, "cli-id" if resume else None),
        resume=resume,
        effort=effort,
    )


def options(**changes: object) -> ClaudeOptions:
    return ClaudeOptions(state=STATE, **changes)  # type: ignore[arg-type]


def test_the_cli_command_has_options_and_no_positional_arguments() -> None:
    command = build_command(
        Launch.of(turn(effort=Effort.HIGH)), options(tools=("Read", "Bash")), ALL
    )
    assert all(argument.startswith("--") for argument in command)
    assert "--model=opus" in command
    assert f"--session-id={ID}" in command
    assert "--effort=high" in command
    assert "--tools=Read,Bash" in command
    assert "--allowedTools=Read,Bash,mcp__client" in command
    assert "--dangerously-skip-permissions" not in command


def test_a_command_without_tools_disables_all_tools() -> None:
    command = build_command(Launch.of(turn()), options(), ALL)
    assert "--tools=" in command
    assert "--allowedTools=mcp__client" in command, "the client's own, which it lists itself"
    assert [it for it in command if it.startswith("--mcp-config=")]
    without = build_command(Launch.of(turn()), options(), Features(frozenset({"--tools"})))
    assert not [it for it in without if it.startswith(("--allowedTools", "--mcp-config"))]


def test_a_resumed_turn_passes_the_cli_session_id() -> None:
    command = build_command(Launch.of(turn(resume=True)), options(), ALL)
    assert "--resume=cli-id" in command
    assert not any(argument.startswith("--session-id") for argument in command)


@pytest.mark.parametrize(
    ("bare", "environment", "used"),
    [
        (None, {"ANTHROPIC_API_KEY": "k"}, True),
        (None, {"ANTHROPIC_API_KEY": ""}, False),
        (None, {}, False),
        (True, {}, True),
        (False, {"ANTHROPIC_API_KEY": "k"}, False),
    ],
)
def test_bare_mode_follows_the_api_key_unless_configured(
    bare: object, environment: object, used: bool
) -> None:
    command = build_command(Launch.of(turn()), options(bare=bare, environment=environment), ALL)
    assert ("--bare" in command) is used


def test_only_a_cli_with_the_input_format_option_supports_multiple_turns() -> None:
    assert Features(frozenset({"--print", "--input-format"})).supports_multiple_turns
    assert not Features(frozenset({"--print"})).supports_multiple_turns
    assert not ALL.supports_multiple_turns


@pytest.mark.parametrize("changes", [False, True])
def test_a_process_serves_its_model_and_efforts_as_its_executable_allows(changes: bool) -> None:
    launch = Launch.of(turn(effort=Effort.LOW))
    assert launch.serves(turn(effort=Effort.LOW, resume=True), changes_settings=changes)
    assert launch.serves(turn(), changes_settings=changes) is changes
    other = replace(turn(effort=Effort.LOW), cli_model="haiku")
    assert not launch.serves(other, changes_settings=changes)


def test_options_unknown_to_the_executable_are_omitted() -> None:
    old = Features(frozenset({"--print", "--bare"}))
    command = build_command(Launch.of(turn(effort=Effort.LOW)), options(bare=True), old)
    assert "--bare" in command
    assert not any(argument.startswith(("--effort", "--restricted")) for argument in command)


HOST = {
    "PATH": "/bin",
    "HOME": "/home/me",
    "LANG": "C",
    "ANTHROPIC_API_KEY": "k",
    "OPENAI_API_KEY": "secret",
    "API_KEY": "secret",
    "API_KEYS": "secret",
    "CLAUDECODE": "1",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "CLAUDE_CODE_ENTRYPOINT": "x",
    "NODE_OPTIONS": "--inspect",
    "https_proxy": "http://proxy",
    "MINE": "mine",
    "SSL_CERT_FILE": "",
}


def test_the_child_environment_is_an_allow_list() -> None:
    environment = build_environment(options(environment=HOST))
    inherited = {name for name in environment if name in HOST}
    assert inherited == {"PATH", "HOME", "LANG", "ANTHROPIC_API_KEY", "https_proxy"}
    assert "secret" not in environment.values()
    assert environment["TERM"] == "dumb"
    assert environment["CLAUDE_CODE_MAX_RETRIES"] == "2"


def test_operators_can_allow_more_variables_but_not_blocked_ones() -> None:
    allow = ("MINE", "OPENAI_API_KEY", "API_KEYS", "CLAUDECODE")
    environment = build_environment(options(environment=HOST, environment_allow=allow))
    assert environment["MINE"] == "mine"
    assert not {"OPENAI_API_KEY", "API_KEYS", "CLAUDECODE"} & environment.keys()


def test_home_falls_back_to_tmp_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert build_environment(options())["HOME"] == "/tmp"  # noqa: S108
    assert "HOME is not set" in caplog.text
