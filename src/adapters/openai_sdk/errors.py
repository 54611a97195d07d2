"""The errors that clients get when the upstream fails."""

from modegate.domain.errors import (
    EmptyResponseError,
    GatewayError,
    OutputLimitError,
    StreamCutError,
    TurnTimeoutError,
    UpstreamInvalidResponseError,
    UpstreamUnreachableError,
)

MIB = 1024 * 1024


def unreachable() -> GatewayError:
    """Returns the error for a failed connection, or for one closed without an answer."""
    return UpstreamUnreachableError(
        "The upstream cannot be reached, or closed the connection without an answer: try again "
        "later; the operator has to check OPENAI_BASE_URL and the network."
    )


def unusable_proxy() -> GatewayError:
    """Returns the error for an unsupported proxy; omits its address, which may hold a password."""
    return UpstreamUnreachableError(
        "The server cannot use the proxy on its way to the upstream: the operator has to name one "
        "that begins with http:// in HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or to unset these.",
        is_transient=False,
    )


def not_http(status: int) -> GatewayError:
    """Returns the error for a status that is not valid in HTTP."""
    return UpstreamUnreachableError(
        f"The upstream answered with the impossible status {status}: the operator has to check "
        "OPENAI_BASE_URL.",
        is_transient=False,
    )


def timed_out() -> GatewayError:
    """Returns the error for an upstream that did not answer in time."""
    return TurnTimeoutError(
        "The upstream did not answer in time: try again later, or ask for less."
    )


def fell_silent() -> GatewayError:
    """Returns the error for an answer that stalled after its first byte."""
    return TurnTimeoutError(
        "The upstream stopped sending in the middle of its answer: try again later, or ask for less."
    )


def unreadable(reason: str) -> GatewayError:
    """Returns the error for a truncated or undecodable answer, which may have been charged."""
    return UpstreamInvalidResponseError(
        "The upstream's answer cannot be read: it broke off, or is not well-formed; the server's "
        "log says more. It was not requested again, because each answer may be charged: send the "
        "request again if you accept that.",
        reason=reason,
    )


def no_completion(came: str) -> GatewayError:
    """Returns the error for an answer that is not a chat completion."""
    return UpstreamInvalidResponseError(
        f"The upstream answered with {came} in place of a chat completion: the operator has to "
        "check where OPENAI_BASE_URL leads.",
        reason=came,
    )


def redirected(status: int, target: str) -> GatewayError:
    """Returns the error for a redirect, which could send keys and prompts to another host."""
    return UpstreamInvalidResponseError(
        f"The upstream answered with a redirect (status {status}), which is not followed: the "
        "operator has to set OPENAI_BASE_URL to the address it leads to, which the server's log "
        "says. Often https:// or /v1 is missing.",
        reason=f"a redirect with status {status} to {target or 'nowhere'}",
    )


def empty(came: str) -> GatewayError:
    """Returns the error for a success status without an answer."""
    return EmptyResponseError(
        f"The upstream answered with {came}: ask another model, or rephrase; the operator may have "
        "to check the upstream."
    )


def event_too_long(limit: int) -> GatewayError:
    """Returns the error for an event that exceeds `limit` bytes."""
    return OutputLimitError(
        f"The upstream sent an event of more than {limit // MIB} MiB, which is not handed on: ask "
        "for a shorter answer, or for it without stream."
    )


def answer_too_long(limit: int) -> GatewayError:
    """Returns the error for an answer that exceeds `limit` bytes."""
    return OutputLimitError(
        f"The upstream's answer is longer than {limit // MIB} MiB: ask for a shorter one, or with "
        "stream."
    )


def invalid_model_list() -> GatewayError:
    """Returns the error for an answer that is not a list of models."""
    return UpstreamInvalidResponseError(
        "The upstream did not answer with a list of models: ask without include=upstream; the "
        "operator has to check where OPENAI_BASE_URL leads.",
        reason="no list of models",
    )


def stream_cut() -> GatewayError:
    """Returns the error for a stream that ended too early."""
    return StreamCutError(
        "The upstream's stream ended too early: what has arrived of the answer is incomplete. Send "
        "the request again."
    )
