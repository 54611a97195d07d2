"""Checks that docs/command-line.md is correct and complete."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.commands import run
from support.serving import Serving, bare_environment, serving

PAGE = (Path(__file__).parents[2] / "docs/command-line.md").read_text()
SNIPPETS = re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    folder = tmp_path_factory.mktemp("operated")
    operated = bare_environment(folder) | {"ADMIN_KEY": "sk-operator"}
    with serving("--offline", folder=folder, environment=operated) as it:
        yield it


@pytest.mark.parametrize("code", SNIPPETS)
def test_command_line_page_snippets_run(code: str, running: Serving) -> None:
    done = subprocess.run(
        ["/bin/sh", "-eu"],
        input=code.replace("127.0.0.1:3456", running.address),
        env={
            **running.environment,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PORT": running.address.partition(":")[2],
        },
        cwd=running.folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("[simulated]") == code.count("modegate chat")
    assert done.stderr.count("--session") == code.count("--claude")


def test_the_command_line_page_lists_every_command_option_and_exit_status(tmp_path: Path) -> None:
    host = bare_environment(tmp_path)
    overview = run("--help", host=host).stdout
    commands = re.findall(r"^    (\w+) ", overview, re.MULTILINE)
    assert commands == [
        *("serve", "chat", "batch", "credentials", "keys", "usage", "reload"),
        *("config", "doctor", "demo", "import", "completion"),
    ]
    for command in commands:
        assert f"| `modegate {command}" in PAGE
        for option in re.findall(r"--[a-z]+", run(command, "--help", host=host).stdout):
            assert option == "--help" or f"`{option}" in PAGE
    statuses = re.findall(r"^  (\d+) ", overview, re.MULTILINE)
    assert re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE) == statuses
