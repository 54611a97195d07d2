"""Faults of the session storage, and the errors that clients get for them."""

import errno
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from modegate.domain.errors import StorageError


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
MESSAGES: Mapping[StorageFault, str] = MappingProxyType(
    {
        StorageFault.FULL: (
            "The storage that the server keeps its sessions in is full: the operator has to free "
            "space on the disk of the folder MODEGATE_STATE_DIR."
        ),
        StorageFault.BUSY: (
            "The server cannot open its storage just now: send the request again in a moment; "
            "where that does not help, the operator has to check the limit of open files and the "
            "folder MODEGATE_STATE_DIR."
        ),
        StorageFault.BROKEN: (
            "The server cannot use what it keeps its sessions in: the operator has to check the "
            "folder MODEGATE_STATE_DIR and its disk."
        ),
    }
)
BUSY_RETRY_AFTER_S = 2.0


def fault_of(error: OSError) -> StorageFault:
    """Returns the fault for an error of the system; unknown errors are `BROKEN`."""
    return BY_ERRNO.get(error.errno or 0, StorageFault.BROKEN)


def storage_error(fault: StorageFault) -> StorageError:
    """Returns the error for clients, without a path; `retry_after` is set only for `BUSY`."""
    return StorageError(
        MESSAGES[fault],
        retry_after=BUSY_RETRY_AFTER_S if fault is StorageFault.BUSY else None,
    )
