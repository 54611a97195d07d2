"""The lock that excludes other gateways from a session's folder."""

import fcntl
import os
from pathlib import Path

from modegate.domain.errors.catalogue import sessions

OWNER_LENGTH = 64


class SessionLock:
    """A kernel lock (`flock`), which the kernel releases when the gateway exits.

    The file's text names its last owner. A gateway with an idle process for the session thus
    detects that another gateway has continued the conversation.
    """

    def __init__(self, path: Path, owner: str) -> None:
        self._path = path
        self._owner = owner.encode()
        self._file: int | None = None

    def acquire(self, *, for_removal: bool = False) -> bool:
        """Acquires the lock; returns whether this owner was also the last one.

        Before a removal the owner is not written, because a full disk has no space for it.

        Raises:
            SessionBusyError: another gateway holds the lock.
            OSError: the folder is gone or cannot be written.
        """
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            before = os.pread(file, OWNER_LENGTH, 0)
            if before != self._owner and not for_removal:
                os.pwrite(file, self._owner, 0)  # overwriting needs no more space
                os.ftruncate(file, len(self._owner))
        except BlockingIOError:
            os.close(file)
            raise sessions.still_ending() from None
        except OSError:
            os.close(file)
            raise
        self._file = file
        return before == self._owner

    def release(self) -> None:
        """Releases the lock. Idempotent."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
