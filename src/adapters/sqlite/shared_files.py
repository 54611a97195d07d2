"""The files of limits that the processes of running gateways share."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from modegate.adapters.sqlite.admission_limiter import FILE as LIMITS_FILE
from modegate.adapters.sqlite.budget_ledger import FILE as BUDGETS_FILE

LOCK = "limits.lock"


@contextmanager
def shared_files(folder: Path) -> Iterator[None]:
    """Shares the limits of a folder until the context is left; begins anew if no other gateway does.

    What earlier gateways left says nothing: rates and permits have ended, and budgets are set by the
    usage ledger. Each gateway holds a lock of the kernel, so a killed one does not count.
    """
    descriptor = None
    try:
        with suppress(OSError):  # then the files cannot be used either, which requests report
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            _join(descriptor, folder)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _join(descriptor: int, folder: Path) -> None:
    with suppress(BlockingIOError):  # other gateways use the files
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for name in (BUDGETS_FILE, LIMITS_FILE):
            for path in folder.glob(f"{name}*"):
                path.unlink()
    fcntl.flock(descriptor, fcntl.LOCK_SH)
