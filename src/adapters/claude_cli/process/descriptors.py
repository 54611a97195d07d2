"""File descriptors: free ones for a start, and the limit of a child."""

import errno
import os
import resource
from contextlib import ExitStack, suppress

# Descriptors per start: three socket pairs, the event loop's pipe and libuv's take ten. Other
# threads open files as well.
PER_START = 12
# Error numbers for a temporary lack of resources.
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM, errno.ENOBUFS})


def require_descriptors(number: int = PER_START) -> None:
    """Checks that `number` descriptors are free; call it right before a start.

    A start that runs out of descriptors leaks those it has opened. uvloop 0.23 does not close the
    child's ends of the pipes: two to six per attempt.

    Raises:
        OSError: fewer are free.
    """
    with ExitStack() as opened:
        for _ in range(number):
            descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            opened.callback(os.close, descriptor)


def limit_descriptors(pid: int, soft: int | None) -> None:
    """Sets a new child's soft limit of open files; a no-op outside Linux or if `soft` is None."""
    if soft is not None and hasattr(resource, "prlimit"):
        with suppress(OSError, ValueError):  # it has exited, or its hard limit is lower
            _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
