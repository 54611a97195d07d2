"""What the CLI says when it fails, in the words of the error tree.

The CLI's own text is matched, never handed on: it may name hosts, paths or parts of a prompt.
"""

import re
from collections.abc import Callable, Mapping

from modegate.domain.errors import (
    BackendAuthError,
    BackendCrashedError,
    BackendFailedError,
    BackendForbiddenError,
    BackendRateLimitedError,
    BackendUnavailableError,
    ContextLengthError,
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
NO_CONVERSATION = re.compile(r"No conversation found with session ID")
TOO_LONG = re.compile(
    r"prompt is too long|request too large|exceeds? the (maximum|context)", re.IGNORECASE
)
LIMIT_ENDS = re.compile(r"limit reached\|(\d{10})\b")
EXHAUSTED_RETRY_AFTER_S = 5.0
USAGE_LIMIT = re.compile(r"usage limit|hit your .{0,40}limit|limit reached", re.IGNORECASE)


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
        f"Claude did not finish within {round(seconds)} s: ask for less, or try again later."
    )


def too_silent() -> GatewayError:
    """The process runs, and says nothing."""
    return TurnTimeoutError("Claude Code fell silent: send the request again.")


def rate_limited(retry_after: float | None) -> GatewayError:
    """The account is over its limit."""
    return BackendRateLimitedError(
        "The server's Claude account is over its limit: send the request again later.",
        retry_after=retry_after,
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


def failed() -> GatewayError:
    """The CLI said itself that it failed, after its own retries."""
    return BackendFailedError("Claude failed to answer: send the request again in a moment.")


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


BY_STATUS: Mapping[int, Callable[[], GatewayError]] = {
    400: refused_request,
    401: auth_failed,
    403: forbidden,
    404: unknown_model,
    413: too_long,
    422: refused_request,
}
# The CLI's own names, in the synthetic message before the result; its status can be null.
BY_NAME: Mapping[str, Callable[[], GatewayError]] = {
    "authentication_failed": auth_failed,
    "billing_error": forbidden,
    "invalid_request": refused_request,
    "model_not_found": unknown_model,
}
RATE_LIMIT = 429
# A shell's words for a program, or its interpreter, that is not there or no program at all.
CANNOT_EXECUTE = frozenset({126, 127})


def from_result(
    result: Mapping[str, object], name: str | None, retry_after: float | None, now: float
) -> GatewayError:
    """The error that a `result` event tells; `name` is the CLI's own for it, where it gave one.

    `now` is in Unix seconds, as is the time at which a usage limit ends.
    """
    status = result.get("api_error_status")
    text = f"{result.get('result') or ''} {result.get('errors') or ''}"
    if NO_CONVERSATION.search(text):
        return session_lost()
    if (
        status == RATE_LIMIT
        or name == "rate_limit"
        or (status is None and USAGE_LIMIT.search(text))
    ):
        return rate_limited(retry_after or _seconds_to_reset(text, now))
    if name == "billing_error":
        return forbidden()
    if status in {None, 400} and TOO_LONG.search(text):
        return too_long()
    if status is None and NOT_LOGGED_IN.search(text):
        return auth_failed()
    by_status = BY_STATUS.get(status) if isinstance(status, int) else BY_NAME.get(name or "")
    return by_status() if by_status else failed()


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


def _seconds_to_reset(text: str, now: float) -> float | None:
    reset = LIMIT_ENDS.search(text)
    return max(0.0, float(reset[1]) - now) if reset else None
