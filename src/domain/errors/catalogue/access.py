"""Keys of clients, and keys for the upstream."""

from collections.abc import Sequence

from modegate.domain.errors.access_errors import InvalidKeyError, MissingKeyError
from modegate.domain.errors.configuration_errors import StorageError
from modegate.domain.errors.remedies import Input, Remedy
from modegate.domain.errors.request_errors import (
    InvalidHeaderError,
    ModelNotAllowedError,
    ModeNotAllowedError,
)


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


def unusable_key(label: str, state: str) -> InvalidKeyError:
    """Returns the error for a key that is disabled, expired or revoked, as `state` says."""
    return InvalidKeyError(f"The API key is {state}.", label=label, remedies=(Remedy.ASK_FOR_KEY,))


def replaced_secret(label: str) -> InvalidKeyError:
    """Returns the error for the old secret of a key after its grace; `label` is the masked key."""
    return InvalidKeyError(
        "The API key has expired, because a new one replaced it.",
        label=label,
        remedies=(Remedy.ASK_FOR_KEY,),
    )


def keys_unreadable() -> StorageError:
    """Returns the error for an unknown key while the stored keys cannot be read."""
    return StorageError(
        "The server cannot read its keys.",
        remedies=(Remedy.CHECK_STATE_FOLDER,),
    )


def mode_not_allowed(mode: str, allowed: Sequence[str], remedy: Remedy) -> ModeNotAllowedError:
    """Returns the error for a mode that the key may not use; `remedy` is another mode."""
    return ModeNotAllowedError(
        f"This key may not use the mode {mode}, only {', '.join(allowed)}.",
        param=Input.MODE,
        remedies=(remedy, Remedy.CHANGE_KEY),
    )


def model_not_allowed(allowed: Sequence[str]) -> ModelNotAllowedError:
    """Returns the error for a model that the key may not use; `allowed` are names and prefixes."""
    return ModelNotAllowedError(
        f"This key may not use this model, only {', '.join(allowed)} (* matches any ending).",
        param="model",
        remedies=(Remedy.CHOOSE_LISTED_MODEL, Remedy.CHANGE_KEY),
    )


def no_model_to_allow(allowed: Sequence[str]) -> ModelNotAllowedError:
    """Returns the error for a request without a model, from a key that may use some only."""
    return ModelNotAllowedError(
        f"This key may only use {', '.join(allowed)} (* matches any ending), and no model was "
        "found in the request; a form must have it before its files.",
        param="model",
        remedies=(Remedy.CHOOSE_LISTED_MODEL, Remedy.CHANGE_KEY),
    )
