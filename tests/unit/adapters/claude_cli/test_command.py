import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modegate.adapters.claude_cli.command import Features, as_plain_text, build_command, build_input
from modegate.adapters.claude_cli.environment import build_environment
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.domain.client import ANONYMOUS
from modegate.domain.param_policy import Effort
from modegate.domain.prompt import Prompt
from modegate.domain.session import Session, SessionId
from modegate.domain.turn import ClaudeTurn

ID = SessionId("3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11")
STATE = Path("state")
ALL = Features()


def turn(*, resume: bool = False, effort: Effort | None = None) -> ClaudeTurn:
    return ClaudeTurn(
        completion_id="chatcmpl-1",
        created=1,
        model="gpt-4",
        cli_model="opus",
        prompt=Prompt("sys", "--help"),
        session=Session.start(ID, ANONYMOUS.id, 0.0).used(1.0, "cli-id" if resume else None),
        resume=resume,
        effort=effort,
    )


def options(**changes: object) -> ClaudeOptions:
    return ClaudeOptions(state=STATE, **changes)  # type: ignore[arg-type]


def test_every_argument_is_an_option() -> None:
    command = build_command(turn(effort=Effort.HIGH), options(tools=("Read", "Bash")), ALL)
    assert all(argument.startswith("--") for argument in command)
    assert "--model=opus" in command
    assert f"--session-id={ID}" in command
    assert "--effort=high" in command
    assert "--tools=Read,Bash" in command
    assert "--allowedTools=Read,Bash" in command
    assert "--dangerously-skip-permissions" not in command


def test_without_tools_none_is_there_and_none_is_allowed() -> None:
    command = build_command(turn(), options(), ALL)
    assert "--tools=" in command
    assert not any(argument.startswith("--allowedTools") for argument in command)


def test_a_resumed_turn_names_the_id_of_the_cli() -> None:
    command = build_command(turn(resume=True), options(), ALL)
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
def test_bare_goes_with_a_key(bare: object, environment: object, used: bool) -> None:
    command = build_command(turn(), options(bare=bare, environment=environment), ALL)
    assert ("--bare" in command) is used


def test_options_that_the_executable_does_not_know_are_left_out() -> None:
    old = Features(frozenset({"--print", "--bare"}))
    command = build_command(turn(effort=Effort.LOW), options(bare=True), old)
    assert "--bare" in command
    assert not any(argument.startswith(("--effort", "--restricted")) for argument in command)


@given(system=st.text(), text=st.text())
def test_what_a_client_wrote_is_json_on_two_lines(system: str, text: str) -> None:
    lines = build_input(Prompt(system, text)).splitlines()
    first, second = (json.loads(line) for line in lines)
    assert first["request"]["systemPrompt"] == system
    assert second["message"]["content"] in (text, f"\n{text}")


@pytest.mark.parametrize("text", ["/cost", "/", "//x", "/etc/passwd is a file"])
def test_nothing_starts_with_a_slash(text: str) -> None:
    assert as_plain_text(text) == f"\n{text}"


@pytest.mark.parametrize("text", [" /cost", "cost", "a /b", "", "@/etc/passwd", "--help"])
def test_everything_else_is_left_alone(text: str) -> None:
    assert as_plain_text(text) == text


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


def test_the_environment_is_an_allow_list() -> None:
    environment = build_environment(options(environment=HOST))
    inherited = {name for name in environment if name in HOST}
    assert inherited == {"PATH", "HOME", "LANG", "ANTHROPIC_API_KEY", "https_proxy"}
    assert "secret" not in environment.values()
    assert environment["TERM"] == "dumb"
    assert environment["CLAUDE_CODE_MAX_RETRIES"] == "2"


def test_the_operator_may_allow_more_but_not_everything() -> None:
    allow = ("MINE", "OPENAI_API_KEY", "API_KEYS", "CLAUDECODE")
    environment = build_environment(options(environment=HOST, environment_allow=allow))
    assert environment["MINE"] == "mine"
    assert not {"OPENAI_API_KEY", "API_KEYS", "CLAUDECODE"} & environment.keys()


def test_without_a_home_there_is_tmp_and_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert build_environment(options())["HOME"] == "/tmp"  # noqa: S108
    assert "HOME is not set" in caplog.text
