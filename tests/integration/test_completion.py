"""`modegate completion`: a real shell completes with the script."""

import os
import pty
import shutil
import subprocess
from pathlib import Path

import pytest
from support.commands import run
from support.serving import bare_environment

PROMPT = '\nPS1="READY> "\n'
BASH = shutil.which("bash") or "/bin/bash"
COMMANDS = [
    *("batch", "chat", "completion", "config", "credentials", "demo", "doctor", "import", "keys"),
    *("reload", "serve", "usage"),
]
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
        (("serve", "--"), ["--config", "--help", "--offline", "--watch", "--workers"]),
        (("chat", "--claude", "--s"), ["--session"]),
        (("config", ""), ["show"]),
        (("batch", ""), ["run"]),
        (("batch", "run", "--r"), ["--ray", "--retries", "--retry-failed"]),
        (("import", ""), ["litellm", "portkey"]),
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


def test_the_tab_key_completes_in_a_terminal(host: dict[str, str], tmp_path: Path) -> None:
    script = tmp_path / "completion.bash"
    script.write_text(run("completion", "bash", host=host).stdout + PROMPT)
    keyboard, terminal = pty.openpty()
    with subprocess.Popen(
        [BASH, "--noprofile", "--rcfile", str(script), "-i"],
        env=host | {"TERM": "dumb", "INPUTRC": os.devnull},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    ) as shell:
        os.close(terminal)
        try:
            read_until(keyboard, b"READY> ")
            os.write(keyboard, b"modegate doc\t--l\t")
            read_until(keyboard, b"modegate doctor --live ")
        finally:
            shell.kill()
            os.close(keyboard)


def read_until(terminal: int, wanted: bytes) -> None:
    shown = b""
    while wanted not in shown:
        shown += os.read(terminal, 4096)


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
