"""Whether the storage works, as its last use showed."""

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from modegate.domain.errors import StorageError
from modegate.domain.health import StorageState
from modegate.domain.storage import StorageFault, fault_of, storage_error

# The low byte of SQLite's error codes is the kind; what is above it, the occasion.
KIND = 0xFF
BY_KIND: Mapping[int, StorageFault] = MappingProxyType(
    {
        sqlite3.SQLITE_FULL: StorageFault.FULL,
        sqlite3.SQLITE_BUSY: StorageFault.BUSY,
        sqlite3.SQLITE_LOCKED: StorageFault.BUSY,
    }
)

log = logging.getLogger(__name__)


class Condition:
    """Notes each outcome, logs failures, and makes them errors for clients."""

    def __init__(self) -> None:
        self.state = StorageState.OK

    @contextmanager
    def observed(self, *, proves: bool = False, is_check: bool = False) -> Iterator[None]:
        """Notes how the work in the context ended; only one that `proves` so shows that all is well.

        A failed check is logged only where it is news, for checks are frequent.

        Raises:
            StorageError: in place of SQLite's errors and the system's.
        """
        try:
            yield
        except StorageError as error:  # ours, with a message that may be shown
            self._fail(error.message, is_check=is_check)
            raise
        except (sqlite3.Error, OSError) as error:
            self._fail(error, is_check=is_check)
            raise storage_error(fault_in(error)) from error
        if proves:
            if self.state is StorageState.ERROR:
                log.warning("sessions can be written again")
            self.state = StorageState.OK

    def _fail(self, error: object, *, is_check: bool) -> None:
        if not (is_check and self.state is StorageState.ERROR):
            log.error("sessions cannot be read or written: %s", error)
        self.state = StorageState.ERROR


def fault_in(error: sqlite3.Error | OSError) -> StorageFault:
    """What SQLite's error, or the system's, tells of."""
    if isinstance(error, OSError):
        return fault_of(error)
    return BY_KIND.get(getattr(error, "sqlite_errorcode", 0) & KIND, StorageFault.BROKEN)
