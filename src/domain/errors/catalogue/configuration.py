"""Reloads of the configuration."""

from collections.abc import Sequence

from modegate.domain.errors.configuration_errors import (
    ConfigurationError,
    InvalidConfigurationError,
)
from modegate.domain.errors.remedies import Remedy


def not_reloaded(faults: Sequence[str]) -> InvalidConfigurationError:
    """Returns the error for a reload that changed nothing; `faults` has one line each."""
    lines = "\n".join(faults)
    return InvalidConfigurationError(
        f"The configuration was not reloaded, and the old one stays; correct this:\n{lines}."
    )


def not_drained() -> ConfigurationError:
    """Returns the error for a change of draining that not all workers could make."""
    return ConfigurationError(
        "A worker ended, was started, or did not answer, so none of them has changed.",
        remedies=(Remedy.RETRY_SOON,),
    )
