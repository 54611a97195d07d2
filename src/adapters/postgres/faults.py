"""Faults of the database, as errors for clients and reasons for the log."""

from collections.abc import Sequence

from psycopg import Error, errors

from modegate.domain.errors import StorageError
from modegate.domain.errors.catalogue import ledger

FULL = (errors.DiskFull,)
# The operator has to act. All other errors of operation are transient.
BROKEN: Sequence[type[Error]] = (
    errors.ReadOnlySqlTransaction,
    errors.InsufficientPrivilege,
    errors.ProgrammingError,
    errors.InternalError,
    errors.NotSupportedError,
)


class DatabaseReasonError(Exception):
    """Why the database failed, for the log; without the values of a row."""


def ledger_error(error: Error) -> StorageError:
    """Returns the error for clients, whose cause is the reason for the log."""
    if isinstance(error, FULL):
        found = ledger.full()
    elif isinstance(error, tuple(BROKEN)):
        found = ledger.broken()
    else:
        found = ledger.unreachable()
    found.__cause__ = DatabaseReasonError(_reason(error))
    return found


def _reason(error: Error) -> str:
    """Returns the message without its details, which may quote a row."""
    message = error.diag.message_primary or str(error)
    return "; ".join(it.strip() for it in message.splitlines() if it.strip())
