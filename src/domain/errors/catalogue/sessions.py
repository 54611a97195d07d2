"""Sessions that cannot be continued."""

from modegate.domain.errors.busy_errors import SessionBusyError
from modegate.domain.errors.remedies import Input, Remedy
from modegate.domain.errors.request_errors import InvalidSessionIdError, SessionNotFoundError

# Seconds that the end of a turn takes at most, nearly always.
ENDING_RETRY_AFTER_S = 1.0


def invalid_id() -> InvalidSessionIdError:
    """Returns the error for a text that is not a session's id."""
    return InvalidSessionIdError(
        "The session id must be a version 4 UUID.",
        param=Input.SESSION_ID,
        remedies=(Remedy.COPY_SESSION_ID, Remedy.LIST_SESSIONS, Remedy.START_NEW_SESSION),
    )


def unknown(session_id: str) -> SessionNotFoundError:
    """Returns the error for a missing session; it is the same for all causes."""
    return SessionNotFoundError(
        f"Session {session_id} is unknown or has expired.",
        param=Input.SESSION_ID,
        remedies=(Remedy.LIST_SESSIONS, Remedy.START_NEW_SESSION),
    )


def conversation_lost() -> SessionNotFoundError:
    """Returns the error for a conversation that the backend no longer has."""
    return SessionNotFoundError(
        "The session's conversation is gone.",
        param=Input.SESSION_ID,
        remedies=(Remedy.START_NEW_SESSION,),
    )


def busy() -> SessionBusyError:
    """Returns the error for a session that another request is using."""
    return SessionBusyError()


def still_ending() -> SessionBusyError:
    """Returns the error for a session whose last turn is still being settled."""
    return SessionBusyError(
        "An earlier request of this session is still being cleaned up.",
        remedies=(Remedy.RETRY_SOON,),
        retry_after=ENDING_RETRY_AFTER_S,
    )


def hold_lost() -> SessionBusyError:
    """Returns the error for a turn whose session another gateway may be using by now."""
    return SessionBusyError(
        "The server was too slow to keep this session for the request, and has stopped the answer.",
        remedies=(Remedy.RETRY_SOON,),
        retry_after=ENDING_RETRY_AFTER_S,
    )
