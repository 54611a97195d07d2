"""Runs beside the gateway and outlives it by a moment: kills the processes that it left.

Told on standard input, one line each: a group's id and its mark when it begins, the id with a minus
when it is gone. The input's end means that the gateway has ended, however it did. Started as a
script, for it must cost next to nothing: standard library, no package.
"""

import os
import signal
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress

# A variable in a child's environment, and in that of whatever it starts.
MARK = "MODEGATE_PROCESS"
# Who is found may have started another in that moment.
LOOKS = 10


def watch(lines: Iterable[bytes]) -> dict[int, str]:
    """The groups that are left when the lines end, with their marks."""
    groups: dict[int, str] = {}
    for line in lines:
        number, _, mark = line.decode().strip().partition(" ")
        if mark:
            groups[int(number)] = mark
        else:
            groups.pop(-int(number), None)
    return groups


def kill_marked(marks: Collection[str]) -> None:
    """Kill whoever carries a mark: descendants may have left the group, and lost their parent.

    Only Linux tells the environment of a process; elsewhere nobody is found.
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
    """Its variables; none where it has ended, or is somebody else's."""
    try:
        with open(f"{process}/environ", "rb") as file:  # noqa: PTH123 - not worth an import here
            return file.read().split(b"\0")
    except OSError:
        return []


def main() -> None:
    """Wait for the gateway's end."""
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
