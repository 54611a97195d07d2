"""The guard's look for processes, in a process table of files."""

import os
import signal
import time
from pathlib import Path

import pytest

from modegate.adapters.claude_cli.process import orphan_guard_process
from modegate.adapters.claude_cli.process.orphan_guard_process import kill_marked, watch

MARKED = b"PATH=/bin\0MODEGATE_PROCESS=m\0"


def test_process_groups_reported_as_gone_are_dropped() -> None:
    lines = [b"10 a\n", b"20 b\n", b"-10\n", b"30 c\n", b"-99\n"]
    assert watch(lines) == {20: "b", 30: "c"}


class Table:
    """A process table; `looks` are the pauses between two looks at it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.looks = 0
        self.killed: list[tuple[int, int]] = []
        self.begins_late: int | None = None

    def add(self, pid: int, environ: bytes, size: int = 4096, begin: int = 7, end: int = 9) -> None:
        process = self.folder / str(pid)
        process.mkdir(exist_ok=True)
        (process / "environ").write_bytes(environ)
        fields = ["S", *["0"] * 19, str(size), *["0"] * 26, str(begin), str(end), "0"]
        (process / "stat").write_text(f"{pid} (a (b) c) {' '.join(fields)}")

    def kill(self, pid: int, number: int) -> None:
        self.killed.append((pid, number))
        self.add(pid, b"", size=0, begin=0, end=0)

    def pause(self, _: float) -> None:
        self.looks += 1
        if self.begins_late is not None:
            self.add(self.begins_late, MARKED)
            self.begins_late = None


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Table:
    made = Table(tmp_path)
    monkeypatch.setattr(orphan_guard_process, "PROCESSES", str(tmp_path))
    monkeypatch.setattr(os, "kill", made.kill)
    monkeypatch.setattr(time, "sleep", made.pause)
    return made


def test_marked_processes_are_killed_and_others_are_not(table: Table) -> None:
    table.add(10, MARKED)
    table.add(11, b"MODEGATE_PROCESS=other\0")
    kill_marked(["m"])
    assert table.killed == [(10, signal.SIGKILL)]
    assert table.looks == 1


def test_a_process_that_has_no_variables_yet_is_awaited(table: Table) -> None:
    table.add(10, b"", begin=0, end=0)
    table.begins_late = 10
    kill_marked(["m"])
    assert table.killed == [(10, signal.SIGKILL)]


@pytest.mark.parametrize(("size", "place"), [(0, 0), (4096, 7)], ids=["kernel", "without"])
def test_a_process_without_variables_is_not_awaited(size: int, place: int, table: Table) -> None:
    table.add(10, b"", size=size, begin=place, end=place)
    kill_marked(["m"])
    assert (table.killed, table.looks) == ([], 0)
