"""Keys of clients, and keys for the upstream."""

from modegate.domain.errors.access_errors import InvalidKeyError, MissingKeyError
from modegate.domain.errors.remedies import Input, Remedy
from modegate.domain.errors.request_errors import InvalidHeaderError


def missing_key() -> MissingKeyError:
    """Returns the error for a request without a key."""
    return MissingKeyError("An API key is required.", remedies=(Remedy.SEND_KEY,))


def unknown_key(label: str) -> InvalidKeyError:
    """Returns the error for a key that the server does not accept; `label` is the masked key."""
    return InvalidKeyError(
        "The API key is not one of this server's.", label=label, remedies=(Remedy.ASK_FOR_KEY,)
    )


def invalid_upstream_key(longest: int) -> InvalidHeaderError:
    """Returns the error for a client's key that cannot be sent to the upstream."""
    return InvalidHeaderError(
        f"A key for the upstream must have 1 to {longest} visible ASCII characters.",
        param=Input.UPSTREAM_KEY,
        remedies=(Remedy.OMIT_UPSTREAM_KEY,),
    )


def missing_admin_key() -> MissingKeyError:
    """Returns the error for a request to the admin API without a key."""
    return MissingKeyError("An operator's key is required.", remedies=(Remedy.SEND_ADMIN_KEY,))


def unknown_admin_key(label: str) -> InvalidKeyError:
    """Returns the error for a key that is no operator's; `label` is the masked key."""
    return InvalidKeyError(
        "The key is not an operator's.", label=label, remedies=(Remedy.SEND_ADMIN_KEY,)
    )
