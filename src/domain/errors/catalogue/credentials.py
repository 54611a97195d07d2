"""Credentials of upstreams."""

from modegate.domain.errors.busy_errors import CredentialsCoolingError
from modegate.domain.errors.configuration_errors import NoCredentialsError
from modegate.domain.errors.remedies import Remedy


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
