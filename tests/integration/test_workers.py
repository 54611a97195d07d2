"""`modegate serve --workers N`."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.serving import MODEGATE, Serving, bare_environment, serving, wait

PARENT = re.compile(r"^PPid:\s+(\d+)$", re.MULTILINE)


def children(pid: int) -> set[int]:
    """The processes that a process has started."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            status = (entry / "status").read_text() if entry.name.isdigit() else ""
        except OSError:
            continue
        if (parent := PARENT.search(status)) and int(parent[1]) == pid:
            found.add(int(entry.name))
    return found


def gone(pids: set[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Serving]:
    with serving("--workers", "2", folder=tmp_path) as it:
        yield it


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_of_them_well(number: signal.Signals, running: Serving) -> None:
    workers = children(running.process.pid)
    assert len(workers) == 2
    running.process.send_signal(number)
    assert running.process.wait(15) == 0
    assert gone(workers)
    warning, *_ = running.log()
    assert "limits" in str(warning["message"])
    assert warning["level"] == "warn"


def test_one_that_ends_is_replaced(running: Serving) -> None:
    first = children(running.process.pid)
    os.kill(min(first), signal.SIGKILL)
    wait(lambda: len(children(running.process.pid) - first) == 1)
    wait(lambda: running.ask("/live"))
    running.process.terminate()
    assert running.process.wait(15) == 0


def test_they_end_with_the_process_that_started_them(running: Serving) -> None:
    workers = children(running.process.pid)
    running.process.kill()
    running.process.wait(15)
    wait(lambda: gone(workers))


def test_workers_that_cannot_start_end_it(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, where a folder is meant")
    environment = bare_environment(tmp_path) | {"MODEGATE_STATE_DIR": str(tmp_path / "state")}
    with serving("--workers", "2", folder=tmp_path, environment=environment) as it:
        assert it.ask("/live")  # sessions alone cannot be kept there


@pytest.mark.parametrize("number", ["0", "-1", "many", "257"])
def test_a_number_that_is_none(number: str, tmp_path: Path) -> None:
    told = subprocess.run(
        [*MODEGATE, "serve", "--workers", number],
        env=bare_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=15,
    )
    assert told.returncode == 2
    assert "must be 1 to 256" in told.stderr
