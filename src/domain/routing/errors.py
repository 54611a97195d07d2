"""The errors of requests without a route."""

from modegate.domain.errors import (
    GatewayError,
    PassthroughDisabledError,
    PassthroughNotConfiguredError,
)


def disabled() -> GatewayError:
    """Returns the error for disabled passthrough."""
    return PassthroughDisabledError(
        "Passthrough is switched off on this server: send X-Claude-Code: true to be answered by "
        "Claude Code. The operator can set OPENAI_PASSTHROUGH_ENABLED=true."
    )


def not_configured() -> GatewayError:
    """Returns the error for a request without a key for the upstream."""
    return PassthroughNotConfiguredError(
        "There is no key for the upstream: the operator can set OPENAI_API_KEY, and where the "
        "server allows it a client can send its own in X-OpenAI-API-Key. With X-Claude-Code: true "
        "Claude Code answers instead."
    )
