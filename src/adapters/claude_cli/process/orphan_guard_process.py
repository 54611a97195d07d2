"""The guard process: kills the orphans that a gateway leaves when it exits.

It reads lines from standard input. A group's id and mark register it; its negated id unregisters
it. EOF means that the gateway has exited, for any reason. It runs as a script that imports only
the standard library, so that it starts fast and stays small.
"""

import os
import signal
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress

# The variable that marks a child and its descendants.
MARK = "MODEGATE_PROCESS"
# Maximum scans of the process table: a process may spawn another while it is being killed.
LOOKS = 10


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
    for _ in range(LOOKS):
        found = list(_carriers(wanted)) if wanted else []
        for pid in found:
            _signal(os.kill, pid)
        if not found:
            return


def _carriers(wanted: AbstractSet[bytes]) -> Iterator[int]:
    with suppress(FileNotFoundError), os.scandir("/proc") as entries:
        for entry in entries:
            if entry.name.isdigit() and not wanted.isdisjoint(_environment(entry.path)):
                yield int(entry.name)


def _environment(process: str) -> list[bytes]:
    """Returns its variables; none if it has exited or belongs to another user."""
    try:
        with open(f"{process}/environ", "rb") as file:  # noqa: PTH123 - not worth an import here
            return file.read().split(b"\0")
    except OSError:
        return []


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
