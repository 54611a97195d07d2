"""From the errors of the transport to those of the tree."""

import aiohttp

from modegate.domain.errors import (
    GatewayError,
    PassthroughDisabledError,
    PassthroughNotConfiguredError,
    StreamCutError,
    TurnTimeoutError,
    UpstreamUnreachableError,
)


class translated:  # noqa: N801 - used as a function
    """Nothing of the transport's own errors gets out; what they say may name hosts.

    A class and no generator, which costs a request more.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, aiohttp.ConnectionTimeoutError):  # which is a TimeoutError too
            raise unreachable() from error
        if isinstance(error, TimeoutError):
            raise timed_out() from error
        if isinstance(error, (aiohttp.ClientError, OSError)):
            raise unreachable() from error


def unreachable() -> GatewayError:
    """No connection, or no answer on it."""
    return UpstreamUnreachableError(
        "The upstream cannot be reached, or closed the connection without an answer: try again "
        "later; the operator has to check OPENAI_BASE_URL and the network."
    )


def unusable_proxy() -> GatewayError:
    """The environment names a proxy that cannot be asked; its address may hold a password."""
    return UpstreamUnreachableError(
        "The server cannot use the proxy on its way to the upstream: the operator has to name one "
        "that begins with http:// in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or to unset these.",
        is_transient=False,
    )


def not_http(status: int) -> GatewayError:
    """A status that HTTP does not have."""
    return UpstreamUnreachableError(
        f"The upstream answered with the impossible status {status}: the operator has to check "
        "OPENAI_BASE_URL.",
        is_transient=False,
    )


def timed_out() -> GatewayError:
    """The upstream took too long."""
    return TurnTimeoutError(
        "The upstream did not answer in time: try again later, or ask for less."
    )


def no_list() -> GatewayError:
    """Something answered, but not with models."""
    return UpstreamUnreachableError(
        "The upstream did not answer with a list of models: ask without include=upstream; the "
        "operator has to check OPENAI_BASE_URL.",
        is_transient=False,
    )


def cut() -> GatewayError:
    """A stream ended too early."""
    return StreamCutError(
        "The upstream's stream ended too early: what has arrived of the answer is incomplete. Send "
        "the request again."
    )


def disabled() -> GatewayError:
    """Passthrough is off."""
    return PassthroughDisabledError(
        "Passthrough is switched off on this server: send X-Claude-Code: true to be answered by "
        "Claude Code. The operator can set OPENAI_PASSTHROUGH_ENABLED=true."
    )


def not_configured() -> GatewayError:
    """There is no key."""
    return PassthroughNotConfiguredError(
        "There is no key for the upstream: the operator can set OPENAI_API_KEY, and where the "
        "server allows it a client can send its own in X-OpenAI-API-Key. With X-Claude-Code: true "
        "Claude Code answers instead."
    )
