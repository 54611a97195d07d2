"""Opens a file that one process at a time may write."""

import fcntl
import os
import stat
from pathlib import Path

from modegate.entrypoints.cli.batches.errors import BatchUsageError, OutputError

MODE = 0o600  # answers may be private
# Without it, to open a pipe would wait for its other end.
FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK


def open_locked(path: Path) -> int:
    """Returns the descriptor of a file, created if it is missing, with a lock until it is closed.

    Raises:
        BatchUsageError: another run uses the file, or it is no regular one.
        OutputError: the file cannot be opened or locked.
    """
    while True:
        try:
            descriptor = os.open(path, FLAGS, MODE)
        except OSError as error:
            raise OutputError(f"{path} cannot be written: {error.strerror}") from error
        try:
            _check_kind(path, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Another run may have replaced the file before it released the lock.
            if _is_at(path, descriptor):
                return descriptor
        except BlockingIOError:
            os.close(descriptor)
            raise BatchUsageError(
                f"another run writes to {path}: wait for its end, or choose another file with -o"
            ) from None
        except OSError as error:
            os.close(descriptor)
            raise OutputError(f"{path} cannot be locked: {error.strerror}") from error
        except BatchUsageError:
            os.close(descriptor)
            raise
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_kind(path: Path, descriptor: int) -> None:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise BatchUsageError(
            f"{path} is no regular file: choose one with -o, because it also records what is done"
        )


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        there, here = path.stat(), os.fstat(descriptor)
    except FileNotFoundError:
        return False
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
