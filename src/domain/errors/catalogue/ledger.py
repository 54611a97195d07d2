"""Faults of the database that several gateways share for usage and batches."""

from modegate.domain.errors.configuration_errors import StorageError
from modegate.domain.errors.remedies import Remedy

RETRY_AFTER_S = 2.0


def unreachable() -> StorageError:
    """Returns the error for a database that does not answer, or is too busy."""
    return StorageError(
        "The server's shared database is temporarily unavailable.",
        remedies=(Remedy.RETRY_SOON, Remedy.CHECK_LEDGER),
        retry_after=RETRY_AFTER_S,
    )


def full() -> StorageError:
    """Returns the error for a database whose disk is full."""
    return StorageError("The server's shared database is full.", remedies=(Remedy.CHECK_LEDGER,))


def broken() -> StorageError:
    """Returns the error for a database that refuses to be read or written."""
    return StorageError(
        "The server cannot read or write its shared database.", remedies=(Remedy.CHECK_LEDGER,)
    )


def later_schema(version: int, newest: int) -> StorageError:
    """Returns the error for tables that a later version of modegate made."""
    return StorageError(
        f"The server's shared database has schema {version}, and this version of modegate knows "
        f"schemas up to {newest}.",
        remedies=(Remedy.CHANGE_LEDGER,),
    )
