"""Failures of the upstream."""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.domain.errors.backend_errors import (
    BackendAuthError,
    BackendError,
    BackendFailedError,
    BackendForbiddenError,
    BackendRateLimitedError,
    EmptyResponseError,
    OutputLimitError,
    StreamCutError,
    TurnTimeoutError,
)
from modegate.domain.errors.configuration_errors import (
    BackendUnavailableError,
    PassthroughDisabledError,
    PassthroughNotConfiguredError,
)
from modegate.domain.errors.gateway_error import GatewayError
from modegate.domain.errors.remedies import Remedy
from modegate.domain.errors.upstream_errors import (
    BadUpstreamResponseError,
    UpstreamInvalidResponseError,
    UpstreamUnreachableError,
)

MIB = 1024 * 1024
UNREADABLE = (
    "The upstream's answer broke off or is not well-formed and cannot be read; it was not "
    "requested again, because each answer may be charged."
)
OVERLOADED = frozenset({503, 529})
OVERLOADED_RETRY_AFTER_S = 5.0
REPORTED: Mapping[int, type[BackendError]] = MappingProxyType(
    {401: BackendAuthError, 403: BackendForbiddenError, 429: BackendRateLimitedError}
)
SLOW = (Remedy.RETRY_LATER, Remedy.ASK_FOR_LESS)


def disabled() -> PassthroughDisabledError:
    """Returns the error for disabled passthrough."""
    return PassthroughDisabledError(
        "Passthrough is switched off on this server.",
        remedies=(Remedy.USE_CLAUDE_CODE, Remedy.ENABLE_PASSTHROUGH),
    )


def not_configured() -> PassthroughNotConfiguredError:
    """Returns the error for a request without a key for the upstream."""
    return PassthroughNotConfiguredError(
        "There is no key for the upstream.",
        remedies=(Remedy.SEND_UPSTREAM_KEY, Remedy.USE_CLAUDE_CODE, Remedy.SET_UPSTREAM_KEY),
    )


def unreachable() -> UpstreamUnreachableError:
    """Returns the error for a failed connection, or for one closed without an answer."""
    return UpstreamUnreachableError(
        "The upstream cannot be reached, or closed the connection without an answer.",
        remedies=(Remedy.RETRY_LATER, Remedy.CHECK_UPSTREAM_CONNECTION),
    )


def unusable_proxy() -> UpstreamUnreachableError:
    """Returns the error for an unsupported proxy; omits its address, which may hold a password."""
    return UpstreamUnreachableError(
        "The server cannot use the proxy on its way to the upstream.",
        remedies=(Remedy.CHANGE_UPSTREAM_PROXY,),
        is_transient=False,
    )


def not_http(status: int) -> UpstreamUnreachableError:
    """Returns the error for a status that is not valid in HTTP."""
    return UpstreamUnreachableError(
        f"The upstream answered with the impossible status {status}.",
        remedies=(Remedy.CHECK_UPSTREAM_ADDRESS,),
        is_transient=False,
    )


def timed_out() -> TurnTimeoutError:
    """Returns the error for an upstream that did not answer in time."""
    return TurnTimeoutError("The upstream did not answer in time.", remedies=SLOW)


def fell_silent() -> TurnTimeoutError:
    """Returns the error for an answer that stalled after its first byte."""
    return TurnTimeoutError(
        "The upstream stopped sending in the middle of its answer.", remedies=SLOW
    )


def unreadable(reason: str) -> UpstreamInvalidResponseError:
    """Returns the error for a truncated or undecodable answer, which may have been charged."""
    return UpstreamInvalidResponseError(
        UNREADABLE, remedies=(Remedy.RETRY_AT_COST, Remedy.READ_LOG), reason=reason
    )


def no_error_body(status: int) -> UpstreamInvalidResponseError:
    """Returns the error for an upstream's error whose body is missing."""
    return UpstreamInvalidResponseError(
        f"The upstream answered with status {status}, but ended its answer before the error's text.",
        remedies=(Remedy.CHECK_UPSTREAM,),
        reason=f"status {status} with a body that was cut at its start",
        status=status,
    )


def invalid_json(reason: str) -> BadUpstreamResponseError:
    """Returns the error for a body that arrived whole, but is no valid JSON."""
    return BadUpstreamResponseError(
        UNREADABLE, remedies=(Remedy.RETRY_AT_COST, Remedy.READ_LOG), reason=reason
    )


def no_completion(came: str, hint: str | None = None) -> BadUpstreamResponseError:
    """Returns the error for an answer that is not a chat completion."""
    return BadUpstreamResponseError(
        f"The upstream answered with {came} in place of a chat completion.",
        remedies=(Remedy.CHECK_UPSTREAM_ADDRESS,),
        reason=came,
        hint=hint,
    )


def redirected(status: int, target: str) -> UpstreamInvalidResponseError:
    """Returns the error for a redirect, which could send keys and prompts to another host."""
    return UpstreamInvalidResponseError(
        f"The upstream answered with a redirect (status {status}), which is not followed.",
        remedies=(Remedy.CORRECT_UPSTREAM_ADDRESS,),
        reason=f"a redirect with status {status} to {target or 'nowhere'}",
        status=status,
    )


def empty(came: str) -> EmptyResponseError:
    """Returns the error for a success status without an answer."""
    return EmptyResponseError(
        f"The upstream answered with {came}.",
        remedies=(Remedy.CHOOSE_MODEL, Remedy.REPHRASE, Remedy.CHECK_UPSTREAM),
    )


def event_too_long(limit: int) -> OutputLimitError:
    """Returns the error for an event that exceeds `limit` bytes."""
    return OutputLimitError(
        f"The upstream sent an event of more than {limit // MIB} MiB, which is not handed on.",
        remedies=(Remedy.ASK_FOR_SHORTER_ANSWER, Remedy.ASK_WITHOUT_STREAM),
        limit=limit,
    )


def answer_too_long(limit: int, *, streamed: bool = False) -> OutputLimitError:
    """Returns the error for an answer that exceeds `limit` bytes, or characters."""
    shorter = Remedy.ASK_FOR_SHORTER_ANSWER
    return OutputLimitError(
        f"The upstream's answer is longer than {limit // MIB} MiB.",
        remedies=(shorter,) if streamed else (shorter, Remedy.ASK_WITH_STREAM),
        limit=limit,
    )


def invalid_model_list() -> UpstreamInvalidResponseError:
    """Returns the error for an answer that is not a list of models."""
    return UpstreamInvalidResponseError(
        "The upstream did not answer with a list of models.",
        remedies=(Remedy.OMIT_UPSTREAM_MODELS, Remedy.CHECK_UPSTREAM_ADDRESS),
        reason="no list of models",
    )


def reported(status: int, message: str) -> GatewayError:
    """Returns the error that an upstream reported in a stream; its `status` would be that."""
    problem = f"The upstream reported an error: {message.strip().rstrip('.') or 'no reason'}."
    if status in OVERLOADED:
        return BackendUnavailableError(
            problem, remedies=(Remedy.RETRY_AFTER,), retry_after=OVERLOADED_RETRY_AFTER_S
        )
    kind = REPORTED.get(status, BackendFailedError)
    return kind(problem, remedies=(Remedy.RETRY_LATER,))


def stream_cut() -> StreamCutError:
    """Returns the error for a stream that ended too early."""
    return StreamCutError(
        "The upstream's stream ended too early, so what has arrived of the answer is incomplete.",
        remedies=(Remedy.RETRY,),
    )
