"""Reads and raises the limit of open file descriptors."""

import resource
from contextlib import suppress

# Some containers allow 1000 times more, and some programs iterate over all allowed descriptors.
MOST = 1024 * 1024


def descriptor_limit() -> int:
    """Returns the soft limit of this process; `MOST` if it is unlimited."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else soft


def raise_descriptor_limit() -> int:
    """Raises the soft limit to the hard limit, at most `MOST`; returns the earlier soft limit.

    A soft limit of 1024 is for programs that use `select`; servers are expected to raise it.
    """
    before = descriptor_limit()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if most > before:
        with suppress(OSError, ValueError):  # macOS has another, lower limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return before
