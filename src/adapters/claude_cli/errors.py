"""What the CLI says when it fails, in the words of the error tree.

The CLI's own text is matched, never handed on: it may name hosts, paths or parts of a prompt.
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
# The API's shortest window: a guess, for a 429 always names a time.
UNKNOWN_WAIT_S = 60.0
NO_CONVERSATION = re.compile(r"No conversation found with session ID")
EXHAUSTED_RETRY_AFTER_S = 5.0


def auth_failed() -> GatewayError:
    """Claude's key or login was refused."""
    return BackendAuthError(
        "Claude refused the server's credentials: the operator has to check ANTHROPIC_API_KEY, or "
        "log in with the claude CLI."
    )


def forbidden() -> GatewayError:
    """The credentials are known, and may not do this."""
    return BackendForbiddenError(
        "Claude does not allow this to the server's account: the operator has to check its "
        "permissions, its billing and its region."
    )


def too_slow(seconds: float) -> GatewayError:
    """The turn's time is over."""
    return TurnTimeoutError(
        f"Claude did not finish within {round(seconds)} s: ask for less, or try again later.",
        is_repeatable=False,
    )


def too_silent() -> GatewayError:
    """The process runs, and says nothing."""
    return TurnTimeoutError("Claude Code fell silent: send the request again.", is_repeatable=True)


def rate_limited(retry_after: float | None) -> GatewayError:
    """The account is over its limit; without a time the CLI itself saw no use in trying again."""
    return BackendRateLimitedError(
        "The server's Claude account is over its limit: send the request again "
        f"{_when(retry_after, 'later')}.",
        retry_after=UNKNOWN_WAIT_S if retry_after is None else retry_after,
        is_repeatable=retry_after is not None,
    )


def too_long() -> GatewayError:
    """More than the model takes."""
    return ContextLengthError(
        "The conversation is longer than the model takes: shorten the messages, or begin a new "
        "session.",
        param="messages",
    )


def refused_request() -> GatewayError:
    """The model's API called the request wrong."""
    return InvalidRequestError(
        "Claude refused the request as invalid: check the messages.", param="messages"
    )


def unknown_model() -> GatewayError:
    """The map knows the model, and the account does not."""
    return ModelNotFoundError(
        "Claude does not offer this model to the server's account: choose another one, such as "
        "sonnet.",
        param="model",
    )


def failed(retry_after: float | None = None) -> GatewayError:
    """The API or the way to it failed, after the CLI's own retries."""
    return BackendFailedError(
        f"Claude failed to answer: send the request again {_when(retry_after, 'in a moment')}.",
        retry_after=retry_after,
    )


def misconfigured() -> GatewayError:
    """The way to the API fails until the operator acts."""
    return BackendFailedError(
        "Claude Code cannot use the model's API: the operator has to check its version, proxy and "
        "certificates with modegate doctor --live.",
        is_repeatable=False,
    )


def no_text() -> GatewayError:
    """The turn ended without an answer, and so did the CLI's own second attempt."""
    return EmptyResponseError("Claude answered without a word: rephrase, and send it again.")


def cut_without_text() -> GatewayError:
    """The output limit was reached before the first word, by reasoning or by tools."""
    return EmptyResponseError(
        "Claude reached its output limit before the first word: ask for less, or lower "
        "reasoning_effort."
    )


def unexplained() -> GatewayError:
    """The CLI said that it failed, and not why."""
    return BackendCrashedError(
        "Claude Code failed without a reason: send the request again; the server's log says more."
    )


def session_lost() -> GatewayError:
    """The CLI no longer has the conversation."""
    return SessionNotFoundError(
        "The session's conversation is gone: leave out X-Claude-Session-ID and send "
        "X-Claude-Code: true to begin a new one.",
        param="X-Claude-Session-ID",
    )


def session_busy() -> GatewayError:
    """An earlier turn's child is still ending, behind another gateway."""
    return SessionBusyError(
        "An earlier request of this session is still being ended: send it again in a moment.",
        param="X-Claude-Session-ID",
        retry_after=1,
    )


def crashed() -> GatewayError:
    """The CLI ended without a result."""
    return BackendCrashedError(
        "Claude Code ended without an answer: send the request again; the server's log says more."
    )


def unavailable() -> GatewayError:
    """There is no CLI, or none that runs."""
    return BackendUnavailableError(
        "The claude executable is missing or cannot be started: the operator has to install it, or "
        "set CLAUDE_PATH. With X-Claude-Code: false the request passes through to the upstream."
    )


def exhausted() -> GatewayError:
    """Too few descriptors, processes or memory for a start, for the moment."""
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
# A shell's words for a program, or its interpreter, that is not there or no program at all.
CANNOT_EXECUTE = frozenset({126, 127})


def of_kind(kind: Failure, retry_after: float | None = None) -> GatewayError:
    """The error of a kind of failure; `retry_after` counts where waiting helps."""
    if kind is Failure.RATE_LIMITED:
        return rate_limited(retry_after)
    if kind is Failure.SERVER:
        return failed(retry_after)
    return OF_KIND[kind]()


def from_words(words: str) -> GatewayError | None:
    """The error that the CLI tells in plain words, while it may still be running."""
    return auth_failed() if NOT_LOGGED_IN.search(words) else None


def from_exit(status: int | None, words: str) -> GatewayError:
    """The error of a child that ended without a `result` event."""
    if status in CANNOT_EXECUTE:
        return unavailable()
    if NO_CONVERSATION.search(words):
        return session_lost()
    return from_words(words) or crashed()


def _when(seconds: float | None, otherwise: str) -> str:
    """The time in words, for an error in a stream has no header."""
    return otherwise if seconds is None else f"in {max(1, math.ceil(seconds))} s"
