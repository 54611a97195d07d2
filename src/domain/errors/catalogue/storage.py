"""Faults of the session storage."""

from modegate.domain.errors.configuration_errors import StorageError
from modegate.domain.errors.remedies import Remedy

BUSY_RETRY_AFTER_S = 2.0


def full() -> StorageError:
    """Returns the error for a full disk."""
    return StorageError(
        "The server's session storage is full.",
        remedies=(Remedy.FREE_DISK_SPACE,),
    )


def busy() -> StorageError:
    """Returns the error for a storage that is locked, or lacks a resource, for now."""
    return StorageError(
        "The server's session storage is temporarily unavailable.",
        remedies=(Remedy.RETRY_SOON, Remedy.CHECK_OPEN_FILES),
        retry_after=BUSY_RETRY_AFTER_S,
    )


def broken() -> StorageError:
    """Returns the error for a storage that cannot be read or written."""
    return StorageError(
        "The server cannot read or write its session storage.",
        remedies=(Remedy.CHECK_STATE_FOLDER,),
    )


def later_format(version: int, newest: int) -> StorageError:
    """Returns the error for a file that a later version of modegate wrote."""
    return StorageError(
        f"The sessions are stored in format {version}, and this version of modegate reads formats "
        f"up to {newest}.",
        remedies=(Remedy.USE_LATER_VERSION,),
    )
