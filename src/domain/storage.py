"""Faults of the storage, and the errors that clients get for them."""

import errno
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

from modegate.domain.errors import StorageError
from modegate.domain.errors.catalogue import storage


class StorageFault(StrEnum):
    """Why a read or write failed. `BUSY` is transient; the others require the operator."""

    FULL = "full"
    BUSY = "busy"
    BROKEN = "broken"


BY_ERRNO: Mapping[int, StorageFault] = MappingProxyType(
    {
        errno.ENOSPC: StorageFault.FULL,
        errno.EDQUOT: StorageFault.FULL,
        errno.EFBIG: StorageFault.FULL,
        errno.EMFILE: StorageFault.BUSY,
        errno.ENFILE: StorageFault.BUSY,
        errno.ENOMEM: StorageFault.BUSY,
        errno.EAGAIN: StorageFault.BUSY,
        errno.EINTR: StorageFault.BUSY,
        errno.ENOLCK: StorageFault.BUSY,
    }
)
ERRORS: Mapping[StorageFault, Callable[[], StorageError]] = MappingProxyType(
    {
        StorageFault.FULL: storage.full,
        StorageFault.BUSY: storage.busy,
        StorageFault.BROKEN: storage.broken,
    }
)


def fault_of(error: OSError) -> StorageFault:
    """Returns the fault for an error of the system; unknown errors are `BROKEN`."""
    return BY_ERRNO.get(error.errno or 0, StorageFault.BROKEN)


def storage_error(fault: StorageFault) -> StorageError:
    """Returns the error for clients, without a path; `retry_after` is set only for `BUSY`."""
    return ERRORS[fault]()
