"""The gateway as PID 1 of a container without an init process."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from support.gateway import KEY
from support.serving import MODEGATE, bare_environment, serving, wait

from modegate.testing.scripted_claude import ScriptedClaude, answer

UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
BODY = {"model": "sonnet", "messages": [{"role": "user", "content": "Hi"}]}


def may_unshare() -> bool:
    """Whether this machine permits a new PID namespace."""
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not may_unshare(), reason="unshare is not permitted")


def children(pid: int) -> list[int]:
    """Returns the pids of the children, zombies included."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


@pytest.mark.parametrize(
    ("arguments", "number"),
    [
        ((), signal.SIGINT),
        (("--workers", "2"), signal.SIGTERM),
        pytest.param((), signal.SIGTERM, marks=pytest.mark.exhaustive),
        pytest.param(("--workers", "2"), signal.SIGINT, marks=pytest.mark.exhaustive),
    ],
)
def test_the_gateway_as_pid_1_reaps_zombies_and_exits_on_signals(
    arguments: tuple[str, ...], number: signal.Signals, tmp_path: Path
) -> None:
    folder = tmp_path / "scripted"
    folder.mkdir()
    # They become orphans when the turn ends, and are then ended too.
    claude = ScriptedClaude(folder, *[{"leave_process_group": 600}] * 5, *answer("Hello"))
    environment = bare_environment(tmp_path) | {
        "ANTHROPIC_API_KEY": KEY,
        "CLAUDE_PATH": str(claude.path),
        "CLAUDE_WARM_PROCESSES": "0",
    }
    command = [*UNSHARE, *MODEGATE]
    with serving(*arguments, folder=tmp_path, environment=environment, command=command) as running:
        (first,) = children(running.process.pid)
        workers = set(children(first))
        for _ in range(3):
            answered = running.ask("/v1/chat/completions", BODY, X_Claude_Code="true")
            assert answered is not None
            assert "choices" in answered
        assert len(claude.escaped_pids) == 15
        expected = len(workers) if arguments else 1  # the guard
        wait(lambda: len(children(first)) == expected)
        os.kill(first, number)
        assert running.process.wait(30) == 0
        assert not Path(f"/proc/{first}").exists()
