"""Faults of the storage of this machine, and of the store that several gateways share."""

from modegate.domain.errors.configuration_errors import StorageError
from modegate.domain.errors.remedies import Remedy

BUSY_RETRY_AFTER_S = 2.0
# A store that was started again is found within a second.
STORE_RETRY_AFTER_S = 1.0
# An archive of transcripts that is back gets such turns within these seconds.
LATE_RETRY_AFTER_S = 5.0


def full() -> StorageError:
    """Returns the error for a full disk."""
    return StorageError(
        "The server's storage is full.",
        remedies=(Remedy.FREE_DISK_SPACE,),
    )


def busy() -> StorageError:
    """Returns the error for a storage that is locked, or lacks a resource, for now."""
    return StorageError(
        "The server's storage is temporarily unavailable.",
        remedies=(Remedy.RETRY_SOON, Remedy.CHECK_OPEN_FILES),
        retry_after=BUSY_RETRY_AFTER_S,
    )


def broken() -> StorageError:
    """Returns the error for a storage that cannot be read or written."""
    return StorageError(
        "The server cannot read or write its storage.",
        remedies=(Remedy.CHECK_STATE_FOLDER,),
    )


def later_format(version: int, newest: int) -> StorageError:
    """Returns the error for a file that a later version of modegate wrote."""
    return StorageError(
        f"The storage has format {version}, and this version of modegate reads formats "
        f"up to {newest}.",
        remedies=(Remedy.USE_LATER_VERSION,),
    )


def store_away() -> StorageError:
    """Returns the error for a shared store that cannot be reached, or does not answer in time."""
    return StorageError(
        "The server's shared store cannot be reached.",
        remedies=(Remedy.RETRY_SOON, Remedy.CHECK_STORE),
        retry_after=STORE_RETRY_AFTER_S,
    )


def store_full() -> StorageError:
    """Returns the error for a shared store without room for a write."""
    return StorageError(
        "The server's shared store is full.",
        remedies=(Remedy.ENLARGE_STORE,),
    )


def store_refused() -> StorageError:
    """Returns the error for a shared store that answers with an error."""
    return StorageError(
        "The server's shared store refused a command.",
        remedies=(Remedy.CHECK_STORE_PERMISSIONS, Remedy.READ_LOG),
    )


def store_too_old(version: str) -> StorageError:
    """Returns the error for a shared store of an old version."""
    return StorageError(
        f"The server's shared store has version {version}, and modegate needs 7.0 or later.",
        remedies=(Remedy.UPDATE_STORE,),
    )


def store_unreadable() -> StorageError:
    """Returns the error for a value in the shared store that modegate has not written."""
    return StorageError(
        "The server's shared store has a value that cannot be read.",
        remedies=(Remedy.READ_LOG,),
    )


def archive_failed() -> StorageError:
    """Returns the error for an archive of transcripts that cannot be read or written."""
    return StorageError(
        "The server cannot reach the stored transcripts of sessions.",
        remedies=(Remedy.RETRY_SOON, Remedy.CHECK_ARCHIVE),
        retry_after=STORE_RETRY_AFTER_S,
    )


def turn_not_stored() -> StorageError:
    """Returns the error for a session whose last turn only another gateway has, so far."""
    return StorageError(
        "The session's last turn could not be stored yet, and another server has it.",
        remedies=(Remedy.RETRY_SOON, Remedy.CHECK_ARCHIVE),
        retry_after=LATE_RETRY_AFTER_S,
    )
