"""The state of the storage, as of its last use."""

import logging
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType

from modegate.domain.errors import StorageError
from modegate.domain.health import StorageState
from modegate.domain.storage import StorageFault, fault_of, storage_error

# The low byte of an SQLite error code is the primary code; the upper bytes are details.
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
    """Records the outcome of each use, logs failures, and translates them to errors for clients."""

    def __init__(self) -> None:
        self.state = StorageState.OK

    @contextmanager
    def observed(self, *, proves: bool = False, is_check: bool = False) -> Iterator[None]:
        """Records the outcome of the work in the context.

        Only success with `proves` sets the state to `OK`. With `is_check`, a failure is logged only
        if the state was `OK`, because checks are frequent.

        Raises:
            StorageError: in place of `sqlite3.Error` and `OSError`.
        """
        try:
            yield
        except StorageError as error:  # ours, with a message that may be shown
            self._fail(error, is_check=is_check)
            raise
        except (sqlite3.Error, OSError) as error:
            self._fail(error, is_check=is_check)
            raise storage_error(fault_in(error)) from error
        if proves:
            if self.state is StorageState.ERROR:
                log.warning("storage recovered")
            self.state = StorageState.OK

    def _fail(self, error: object, *, is_check: bool) -> None:
        if not (is_check and self.state is StorageState.ERROR):
            log.error("storage failed: %s", error)
        self.state = StorageState.ERROR


def fault_in(error: sqlite3.Error | OSError) -> StorageFault:
    """Returns the fault for an error of SQLite or the system."""
    if isinstance(error, OSError):
        return fault_of(error)
    return BY_KIND.get(getattr(error, "sqlite_errorcode", 0) & KIND, StorageFault.BROKEN)
