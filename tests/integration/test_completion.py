"""`modegate completion`: a real shell completes with the script."""

import shutil
import subprocess
from pathlib import Path

import pytest
from support.commands import run
from support.serving import bare_environment

BASH = shutil.which("bash") or "/bin/bash"
COMMANDS = ["chat", "completion", "config", "demo", "doctor", "serve"]
# Does what bash does when the user presses the tab key after the last word.
PRESS_TAB = """
source /dev/stdin
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
handler=$(complete -p modegate | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$handler"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def host(tmp_path: Path) -> dict[str, str]:
    return bare_environment(tmp_path)


def completed(*words: str, host: dict[str, str]) -> list[str]:
    script = run("completion", "bash", host=host)
    assert (script.returncode, script.stderr) == (0, "")
    done = subprocess.run(
        [BASH, "--norc", "-c", PRESS_TAB, "bash", "modegate", *words],
        input=script.stdout,
        env=host,
        cwd=host["HOME"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return sorted(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("",), COMMANDS),
        (("co",), ["completion", "config"]),
        (("serve", "--"), ["--config", "--help", "--offline", "--workers"]),
        (("chat", "--claude", "--s"), ["--session"]),
        (("config", ""), ["show"]),
        (("completion", ""), ["bash", "fish", "zsh"]),
        (("nonsense", "--off"), []),
    ],
)
def test_bash_completes_commands_options_and_choices(
    words: tuple[str, ...], offered: list[str], host: dict[str, str]
) -> None:
    assert completed(*words, host=host) == offered


def test_bash_completes_the_file_of_config(host: dict[str, str]) -> None:
    for name in ("modegate.toml", "other.txt"):
        Path(host["HOME"], name).touch()
    assert completed("serve", "--config", "mode", host=host) == ["modegate.toml"]
    assert completed("chat", "--model", "mode", host=host) == []


@pytest.mark.parametrize("shell", ["bash", "fish", "zsh"])
def test_the_script_of_each_shell_is_valid_and_names_every_command(
    shell: str, host: dict[str, str]
) -> None:
    script = run("completion", shell, host=host)
    assert (script.returncode, script.stderr) == (0, "")
    for command in COMMANDS:
        assert command in script.stdout
    if found := shutil.which(shell):
        subprocess.run([found, "-n"], input=script.stdout, text=True, check=True, timeout=60)
