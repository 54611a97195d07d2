"""Maps failures of the CLI to gateway errors.

The CLI's own text is matched, and never passed on. It may name hosts, paths or parts of a prompt.
"""

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from modegate.domain.answer.outcomes import Failure
from modegate.domain.errors import (
    BackendAuthError,
    BackendCrashedError,
    BackendFailedError,
    BackendForbiddenError,
    BackendRateLimitedError,
    BackendUnavailableError,
    ContextLengthError,
    EmptyResponseError,
    GatewayError,
    InvalidRequestError,
    ModelNotFoundError,
    SessionBusyError,
    SessionNotFoundError,
    TurnTimeoutError,
)

NOT_LOGGED_IN = re.compile(
    r"Invalid API key|Please run /login|Not logged in|OAuth token has expired"
)
# Seconds to wait after a rate limit without a time: the API's shortest window, a guess. A 429
# always names a time.
UNKNOWN_WAIT_S = 60.0
NO_CONVERSATION = re.compile(r"No conversation found with session ID")
EXHAUSTED_RETRY_AFTER_S = 5.0


def auth_failed() -> GatewayError:
    """Returns the error for a key or login that Claude refused."""
    return BackendAuthError(
        "Claude refused the server's credentials: the operator has to check ANTHROPIC_API_KEY, or "
        "log in with the claude CLI."
    )


def forbidden() -> GatewayError:
    """Returns the error for valid credentials that lack a permission."""
    return BackendForbiddenError(
        "Claude does not allow this to the server's account: the operator has to check its "
        "permissions, its billing and its region."
    )


def too_slow(seconds: float) -> GatewayError:
    """Returns the error for a turn that reached its timeout."""
    return TurnTimeoutError(
        f"Claude did not finish within {round(seconds)} s: ask for less, or try again later.",
        is_repeatable=False,
    )


def too_silent() -> GatewayError:
    """Returns the error for a running process that writes nothing."""
    return TurnTimeoutError("Claude Code fell silent: send the request again.", is_repeatable=True)


def rate_limited(retry_after: float | None) -> GatewayError:
    """Returns the error for an account over its limit.

    Without `retry_after` a retry is pointless, because the CLI itself did not retry.
    """
    return BackendRateLimitedError(
        "The server's Claude account is over its limit: send the request again "
        f"{_when(retry_after, 'later')}.",
        retry_after=UNKNOWN_WAIT_S if retry_after is None else retry_after,
        is_repeatable=retry_after is not None,
    )


def too_long() -> GatewayError:
    """Returns the error for a conversation that exceeds the model's context."""
    return ContextLengthError(
        "The conversation is longer than the model takes: shorten the messages, or begin a new "
        "session.",
        param="messages",
    )


def refused_request() -> GatewayError:
    """Returns the error for a request that the model's API rejected as invalid."""
    return InvalidRequestError(
        "Claude refused the request as invalid: check the messages.", param="messages"
    )


def unknown_model() -> GatewayError:
    """Returns the error for a mapped model that the account does not offer."""
    return ModelNotFoundError(
        "Claude does not offer this model to the server's account: choose another one, such as "
        "sonnet.",
        param="model",
    )


def failed(retry_after: float | None = None) -> GatewayError:
    """Returns the error for a failed API or connection, after the CLI's own retries."""
    return BackendFailedError(
        f"Claude failed to answer: send the request again {_when(retry_after, 'in a moment')}.",
        retry_after=retry_after,
    )


def misconfigured() -> GatewayError:
    """Returns the error for a connection to the API that only the operator can fix."""
    return BackendFailedError(
        "Claude Code cannot use the model's API: the operator has to check its version, proxy and "
        "certificates with modegate doctor --live.",
        is_repeatable=False,
    )


def no_text() -> GatewayError:
    """Returns the error for a turn without text, after the CLI's own retry."""
    return EmptyResponseError("Claude answered without a word: rephrase, and send it again.")


def cut_without_text() -> GatewayError:
    """Returns the error for an output limit that reasoning or tools reached before any text."""
    return EmptyResponseError(
        "Claude reached its output limit before the first word: ask for less, or lower "
        "reasoning_effort."
    )


def unexplained() -> GatewayError:
    """Returns the error for a failure without a reason."""
    return BackendCrashedError(
        "Claude Code failed without a reason: send the request again; the server's log says more."
    )


def session_lost() -> GatewayError:
    """Returns the error for a conversation that the CLI no longer has."""
    return SessionNotFoundError(
        "The session's conversation is gone: leave out X-Claude-Session-ID and send "
        "X-Claude-Code: true to begin a new one.",
        param="X-Claude-Session-ID",
    )


def session_busy() -> GatewayError:
    """Returns the error for a session whose folder another gateway has locked."""
    return SessionBusyError(
        "An earlier request of this session is still being ended: send it again in a moment.",
        param="X-Claude-Session-ID",
        retry_after=1,
    )


def crashed() -> GatewayError:
    """Returns the error for a CLI that ended without a result."""
    return BackendCrashedError(
        "Claude Code ended without an answer: send the request again; the server's log says more."
    )


def unavailable() -> GatewayError:
    """Returns the error for a missing executable, or one that cannot be run."""
    return BackendUnavailableError(
        "The claude executable is missing or cannot be started: the operator has to install it, or "
        "set CLAUDE_PATH. With X-Claude-Code: false the request passes through to the upstream."
    )


def exhausted() -> GatewayError:
    """Returns the error for a temporary lack of descriptors, processes or memory at a start."""
    return BackendUnavailableError(
        "The server has too few file descriptors, processes or memory to start Claude Code: send "
        "the request again later.",
        retry_after=EXHAUSTED_RETRY_AFTER_S,
    )


OF_KIND: Mapping[Failure, Callable[[], GatewayError]] = MappingProxyType(
    {
        Failure.CREDENTIALS: auth_failed,
        Failure.FORBIDDEN: forbidden,
        Failure.REQUEST: refused_request,
        Failure.MODEL: unknown_model,
        Failure.CONTEXT: too_long,
        Failure.EMPTY: no_text,
        Failure.SETUP: misconfigured,
        Failure.UNKNOWN: unexplained,
    }
)
# A shell's exit statuses for a program, or its interpreter, that is missing or not executable.
CANNOT_EXECUTE = frozenset({126, 127})


def of_kind(kind: Failure, retry_after: float | None = None) -> GatewayError:
    """Returns the error for a kind of failure; `retry_after` is used only where waiting helps."""
    if kind is Failure.RATE_LIMITED:
        return rate_limited(retry_after)
    if kind is Failure.SERVER:
        return failed(retry_after)
    return OF_KIND[kind]()


def from_words(words: str) -> GatewayError | None:
    """Returns the error in the CLI's plain text, if any; the CLI may still be running."""
    return auth_failed() if NOT_LOGGED_IN.search(words) else None


def from_exit(status: int | None, words: str) -> GatewayError:
    """Returns the error for a child that ended without a `result` event."""
    if status in CANNOT_EXECUTE:
        return unavailable()
    if NO_CONVERSATION.search(words):
        return session_lost()
    return from_words(words) or crashed()


def _when(seconds: float | None, otherwise: str) -> str:
    """Returns the wait in words, because an error in a stream has no header."""
    return otherwise if seconds is None else f"in {max(1, math.ceil(seconds))} s"
