"""File descriptors: for the start of a process, and the limit that the process gets."""

import errno
import os
import resource
from contextlib import ExitStack, suppress

# Three socket pairs, the event loop's pipe and libuv's take ten; other threads open files as well.
PER_START = 12
# What the machine or this process has too little of for the moment.
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOBUFS})


def require_descriptors(number: int = PER_START) -> None:
    """Check that so many descriptors are free; call right before a start.

    A start that runs out of them half-way leaks those that it has: uvloop 0.23 does not close the
    child's ends of the pipes, two to six for each attempt.

    Raises:
        OSError: they are not free.
    """
    with ExitStack() as opened:
        for _ in range(number):
            descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            opened.callback(os.close, descriptor)


def limit_descriptors(pid: int, soft: int | None) -> None:
    """Set the soft limit of a child that has just started; a no-op where only Linux could do it."""
    if soft is not None and hasattr(resource, "prlimit"):
        with suppress(OSError, ValueError):  # it has ended, or its hard limit is lower
            _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
