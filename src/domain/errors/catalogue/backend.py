"""Answers of any backend that cannot be used."""

from modegate.domain.errors.backend_errors import BackendCrashedError
from modegate.domain.errors.remedies import Remedy


def ended_early() -> BackendCrashedError:
    """Returns the error for events that end before the answer is complete."""
    return BackendCrashedError("The backend ended its answer too early.", remedies=(Remedy.RETRY,))


def never_started() -> BackendCrashedError:
    """Returns the error for events that do not begin as an answer does."""
    return BackendCrashedError(
        "The backend ended its stream before it began.", remedies=(Remedy.RETRY,)
    )


def unexpected() -> BackendCrashedError:
    """Returns the error for a failure that the log explains."""
    return BackendCrashedError("The server failed.", remedies=(Remedy.RETRY,))
