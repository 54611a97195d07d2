"""Runs beside the gateway and outlives it by a moment: kills the process groups that it left.

Told on standard input, one line each: a group's id when it begins, the id with a minus when it is
gone. The input's end means that the gateway has ended, however it did. Started as a script, for it
must cost next to nothing: standard library, no package.
"""

import os
import signal
import sys
from collections.abc import Iterable


def watch(lines: Iterable[bytes]) -> set[int]:
    """The groups that are left when the lines end."""
    groups: set[int] = set()
    for line in lines:
        number = int(line)
        if number > 0:
            groups.add(number)
        else:
            groups.discard(-number)
    return groups


def main() -> None:
    """Wait for the gateway's end."""
    for stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, signal.SIG_IGN)
    for group in watch(sys.stdin.buffer):
        try:
            os.killpg(group, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


if __name__ == "__main__":
    main()
