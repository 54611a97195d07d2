"""Keeps other gateways out of a session's folder."""

import fcntl
import os
from pathlib import Path

from modegate.adapters.claude_cli import errors

OWNER_LENGTH = 64


class SessionLock:
    """A lock of the kernel's, which ends with the gateway; the file's text is who took it last.

    So who has a process that knows the conversation sees whether another gateway went on with it.
    """

    def __init__(self, path: Path, owner: str) -> None:
        self._path = path
        self._owner = owner.encode()
        self._file: int | None = None

    def acquire(self, *, for_removal: bool = False) -> bool:
        """Lock; True where nobody else has since this owner did.

        Before a removal the owner is not noted: that would need room, which a full disk has not.

        Raises:
            SessionBusyError: another gateway has the lock.
            OSError: the folder is gone, or cannot be written to.
        """
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            before = os.pread(file, OWNER_LENGTH, 0)
            if before != self._owner and not for_removal:
                os.pwrite(file, self._owner, 0)  # over the old text, which needs no more room
                os.ftruncate(file, len(self._owner))
        except BlockingIOError:
            os.close(file)
            raise errors.session_busy() from None
        except OSError:
            os.close(file)
            raise
        self._file = file
        return before == self._owner

    def release(self) -> None:
        """Let others in; harmless where it is not taken."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
