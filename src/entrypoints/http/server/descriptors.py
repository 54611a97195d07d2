"""The limit of open file descriptors."""

import resource
from contextlib import suppress

# Some containers allow a thousand times more, and some programs walk through all that are allowed.
MOST = 1024 * 1024


def descriptor_limit() -> int:
    """How many this process may have open now."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else soft


def raise_descriptor_limit() -> int:
    """Raise the soft limit as far as the hard one allows; returns the soft limit from before.

    A soft limit of 1024 is for programs that use `select`; servers are expected to raise it.
    """
    before = descriptor_limit()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if most > before:
        with suppress(OSError, ValueError):  # macOS has a lower limit of its own
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return before
