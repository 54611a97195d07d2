"""Errors that only the operator can resolve."""

from modegate.domain.errors.gateway_error import GatewayError


class ConfigurationError(GatewayError):
    """The operator must act before such a request can succeed."""

    code = "backend_unavailable"


class PassthroughNotConfiguredError(ConfigurationError):
    """Neither the server nor the client has a key for the upstream."""

    code = "passthrough_not_configured"
    is_repeatable = False


class PassthroughDisabledError(ConfigurationError):
    """The operator has disabled passthrough."""

    code = "passthrough_disabled"
    is_repeatable = False


class NoCredentialsError(ConfigurationError):
    """Every credential of the upstream is disabled or expired."""

    code = "no_credentials_available"
    is_repeatable = False


class BackendUnavailableError(ConfigurationError):
    """The `claude` executable is missing or cannot be started."""

    code = "backend_unavailable"
    is_repeatable = False


class InvalidConfigurationError(ConfigurationError):
    """The configuration that was to be reloaded is invalid; the old one stays.

    For operators: the problem has one line per fault, with names and sources of settings.
    """

    code = "invalid_configuration"
    is_repeatable = False


class StorageError(ConfigurationError):
    """The storage cannot be read or written."""

    code = "storage_unavailable"
    is_repeatable = False
