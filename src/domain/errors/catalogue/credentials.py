"""Credentials of upstreams."""

from modegate.domain.errors.busy_errors import CredentialsCoolingError
from modegate.domain.errors.configuration_errors import NoCredentialsError
from modegate.domain.errors.remedies import Remedy
from modegate.domain.errors.request_errors import CredentialNotFoundError, InvalidRequestError


def all_cooling(retry_after_s: float) -> CredentialsCoolingError:
    """Returns the error for an upstream all of whose credentials are cooling down."""
    return CredentialsCoolingError(
        "Every credential for this upstream is cooling down after errors.",
        remedies=(Remedy.RETRY_AFTER,),
        retry_after=retry_after_s,
    )


def none_in_use() -> NoCredentialsError:
    """Returns the error for an upstream all of whose credentials are disabled or expired."""
    return NoCredentialsError(
        "Every credential for this upstream is disabled or expired.",
        remedies=(Remedy.ENABLE_CREDENTIAL,),
    )


def claude_disabled() -> NoCredentialsError:
    """Returns the error for a turn while the credential of Claude Code is disabled."""
    return NoCredentialsError(
        "The credential of Claude Code is disabled.", remedies=(Remedy.ENABLE_CREDENTIAL,)
    )


def unknown() -> CredentialNotFoundError:
    """Returns the error for an id that no credential has."""
    return CredentialNotFoundError(
        "There is no such credential.", remedies=(Remedy.LIST_CREDENTIALS,)
    )


def no_switch() -> InvalidRequestError:
    """Returns the error for a change of a credential that is not its switch."""
    return InvalidRequestError(
        'The body must be {"enabled": true} or {"enabled": false}, without other fields.',
        param="enabled",
    )
