"""The guard process: kills the orphans that a gateway leaves when it exits.

It reads lines from standard input. A group's id and mark register it; its negated id unregisters
it. EOF means that the gateway has exited, for any reason. It runs as a script that imports only
the standard library, so that it starts fast and stays small.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress

# The variable that marks a child and its descendants.
MARK = "MODEGATE_PROCESS"
# Maximum scans of the process table: a process may spawn another while it is being killed.
LOOKS = 10
BETWEEN_LOOKS_S = 0.002
PROCESSES = "/proc"
NO_VARIABLES = [b""]
# Positions in `/proc/PID/stat` behind the name, see proc(5).
MEMORY_SIZE, VARIABLES_BEGIN, VARIABLES_END = 20, 47, 48


def watch(lines: Iterable[bytes]) -> dict[int, str]:
    """Returns the groups still registered at EOF, with their marks."""
    groups: dict[int, str] = {}
    for line in lines:
        number, _, mark = line.decode().strip().partition(" ")
        if mark:
            groups[int(number)] = mark
        else:
            groups.pop(-int(number), None)
    return groups


def kill_marked(marks: Collection[str]) -> None:
    """Kills every process that carries a mark, even outside the group or without its parent.

    Only Linux exposes the environment of a process; elsewhere this is a no-op.
    """
    wanted = {f"{MARK}={mark}".encode() for mark in marks}
    for _ in range(LOOKS if wanted else 0):
        is_over = True
        for pid, variables in _processes():
            if not wanted.isdisjoint(variables):
                _signal(os.kill, pid)
                is_over = False
            elif variables == NO_VARIABLES and _is_starting(pid):
                is_over = False
        if is_over:
            return
        time.sleep(BETWEEN_LOOKS_S)


def _processes() -> Iterator[tuple[int, list[bytes]]]:
    """Yields each process with its variables."""
    with suppress(FileNotFoundError), os.scandir(PROCESSES) as entries:
        for entry in entries:
            if entry.name.isdigit():
                yield int(entry.name), _environment(entry.path)


def _environment(process: str) -> list[bytes]:
    """Returns its variables; none if it has exited or belongs to another user."""
    try:
        with open(f"{process}/environ", "rb") as file:  # noqa: PTH123 - not worth an import here
            return file.read().split(b"\0")
    except OSError:
        return []


def _is_starting(pid: int) -> bool:
    """Returns whether a process without variables may be about to get some.

    In `execve`, a process has memory for a moment before it has its variables, and its parent goes on
    already. A kernel thread has no memory; a process that was started without variables has an empty
    range of them.
    """
    try:
        with open(f"{PROCESSES}/{pid}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return False
    size, begin, end = (fields[at] for at in (MEMORY_SIZE, VARIABLES_BEGIN, VARIABLES_END))
    return size != "0" and (end == "0" or begin != end)


def main() -> None:
    """Waits for the gateway's exit, then kills the remaining processes."""
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, signal.SIG_IGN)
    left = watch(sys.stdin.buffer)
    for group in left:
        _signal(os.killpg, group)
    kill_marked(left.values())


def _signal(send: Callable[[int, int], None], number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        send(number, signal.SIGKILL)


if __name__ == "__main__":
    main()
