"""Failures of Claude Code."""

from modegate.domain.errors.backend_errors import (
    BackendAuthError,
    BackendCrashedError,
    BackendFailedError,
    BackendForbiddenError,
    BackendRateLimitedError,
    EmptyResponseError,
    OutputLimitError,
    SchemaValidationError,
    StreamCutError,
    ToolChoiceNotFollowedError,
    TurnTimeoutError,
)
from modegate.domain.errors.configuration_errors import BackendUnavailableError
from modegate.domain.errors.remedies import Remedy
from modegate.domain.errors.request_errors import (
    ContextLengthError,
    InvalidRequestError,
    ModelNotFoundError,
)

# Seconds to wait after a rate limit without a time: the API's shortest window, a guess. A 429
# always names a time.
UNKNOWN_WAIT_S = 60.0
EXHAUSTED_RETRY_AFTER_S = 5.0
CRASHED = (Remedy.RETRY, Remedy.READ_LOG)


def unavailable() -> BackendUnavailableError:
    """Returns the error for a missing executable, or one that cannot be run."""
    return BackendUnavailableError(
        "The claude executable is missing or cannot be started.",
        remedies=(Remedy.INSTALL_CLAUDE, Remedy.USE_PASSTHROUGH),
    )


def exhausted() -> BackendUnavailableError:
    """Returns the error for a temporary lack of descriptors, processes or memory at a start."""
    return BackendUnavailableError(
        "The server has too few file descriptors, processes or memory to start Claude Code.",
        remedies=(Remedy.RETRY_LATER,),
        retry_after=EXHAUSTED_RETRY_AFTER_S,
    )


def auth_failed() -> BackendAuthError:
    """Returns the error for a key or login that Claude refused."""
    return BackendAuthError(
        "Claude refused the server's credentials.", remedies=(Remedy.CHECK_CLAUDE_CREDENTIALS,)
    )


def forbidden() -> BackendForbiddenError:
    """Returns the error for valid credentials that lack a permission."""
    return BackendForbiddenError(
        "Claude does not allow this to the server's account.",
        remedies=(Remedy.CHECK_CLAUDE_ACCOUNT,),
    )


def rate_limited(retry_after: float | None) -> BackendRateLimitedError:
    """Returns the error for an account over its limit; `retry_after` is in seconds.

    Without `retry_after` a retry is pointless, because the CLI itself did not retry.
    """
    return BackendRateLimitedError(
        "The server's Claude account is over its limit.",
        remedies=(Remedy.RETRY_LATER if retry_after is None else Remedy.RETRY_AFTER,),
        retry_after=UNKNOWN_WAIT_S if retry_after is None else retry_after,
        is_repeatable=retry_after is not None,
    )


def failed(retry_after: float | None = None) -> BackendFailedError:
    """Returns the error for a failed API or connection, after the CLI's own retries."""
    return BackendFailedError(
        "Claude failed to answer.",
        remedies=(Remedy.RETRY_SOON if retry_after is None else Remedy.RETRY_AFTER,),
        retry_after=retry_after,
    )


def misconfigured() -> BackendFailedError:
    """Returns the error for a connection to the API that only the operator can fix."""
    return BackendFailedError(
        "Claude Code cannot use the model's API.",
        remedies=(Remedy.CHECK_CLAUDE_CONNECTION,),
        is_repeatable=False,
    )


def too_slow(seconds: float) -> TurnTimeoutError:
    """Returns the error for a turn that reached its timeout."""
    return TurnTimeoutError(
        f"Claude did not finish within {seconds:g} s.",
        remedies=(Remedy.ASK_FOR_LESS, Remedy.RETRY_LATER),
        is_repeatable=False,
        limit=seconds,
    )


def too_silent() -> TurnTimeoutError:
    """Returns the error for a running process that writes nothing."""
    return TurnTimeoutError(
        "Claude Code stopped responding.", remedies=(Remedy.RETRY,), is_repeatable=True
    )


def too_long() -> ContextLengthError:
    """Returns the error for a conversation that exceeds the model's context."""
    return ContextLengthError(
        "The conversation is longer than the model takes.",
        param="messages",
        remedies=(Remedy.SHORTEN_MESSAGES, Remedy.START_NEW_SESSION),
    )


def refused_request() -> InvalidRequestError:
    """Returns the error for a request that the model's API rejected as invalid."""
    return InvalidRequestError(
        "Claude refused the request as invalid.",
        param="messages",
        remedies=(Remedy.CHECK_MESSAGES,),
    )


def unknown_model() -> ModelNotFoundError:
    """Returns the error for a mapped model that the account does not offer."""
    return ModelNotFoundError(
        "Claude does not offer this model to the server's account.",
        param="model",
        remedies=(Remedy.CHOOSE_CLAUDE_MODEL,),
    )


def no_text() -> EmptyResponseError:
    """Returns the error for a turn without text, after the CLI's own retry."""
    return EmptyResponseError("Claude's answer has no text.", remedies=(Remedy.REPHRASE,))


def no_call() -> ToolChoiceNotFollowedError:
    """Returns the error for an answer without a required call, after it was asked for once more."""
    return ToolChoiceNotFollowedError(
        "Claude called no tool, though 'tool_choice' requires it.",
        param="tool_choice",
        remedies=(Remedy.REPHRASE,),
    )


def cut_without_text() -> EmptyResponseError:
    """Returns the error for an output limit that reasoning or tools reached before any text."""
    return EmptyResponseError(
        "Claude reached its output limit before the first word.",
        remedies=(Remedy.ASK_FOR_LESS, Remedy.LOWER_EFFORT),
    )


def schema_not_followed() -> SchemaValidationError:
    """Returns the error for a model that wrote no valid document, also after the CLI's repair."""
    return SchemaValidationError(
        "Claude wrote no document that is valid against the schema.",
        remedies=(Remedy.RETRY, Remedy.REPHRASE),
    )


def answer_too_long(limit: int) -> OutputLimitError:
    """Returns the error for an answer for which the CLI wrote more than `limit` bytes.

    These include thinking and the framing of events, so the text itself is several times shorter.
    """
    return OutputLimitError(
        f"Claude Code wrote more than {limit} bytes of events for this answer.",
        remedies=(Remedy.ASK_FOR_SHORTER_ANSWER,),
        limit=limit,
    )


def stderr_too_long(limit: int) -> OutputLimitError:
    """Returns the error for more than `limit` bytes on standard error."""
    return OutputLimitError(
        "Claude Code wrote too much to standard error.", remedies=(Remedy.RETRY,), limit=limit
    )


def second_answer_differs() -> StreamCutError:
    """Returns the error for a repeated answer that contradicts the text already sent."""
    return StreamCutError(
        "The connection to the model broke, and its second answer differs from the first, so what "
        "has arrived is incomplete.",
        remedies=(Remedy.RETRY,),
    )


def unexplained() -> BackendCrashedError:
    """Returns the error for a failure without a reason."""
    return BackendCrashedError("Claude Code failed without a reason.", remedies=CRASHED)


def crashed() -> BackendCrashedError:
    """Returns the error for a CLI that ended without a result."""
    return BackendCrashedError("Claude Code ended without an answer.", remedies=CRASHED)


def refused_instructions() -> BackendCrashedError:
    """Returns the error for a CLI that rejects its system prompt."""
    return BackendCrashedError("Claude Code rejected the system prompt.", remedies=(Remedy.RETRY,))
