"""Errors of the backend that was to answer."""

from typing import Unpack

from modegate.domain.errors.gateway_error import Details, GatewayError


class BackendError(GatewayError):
    """The backend failed to answer."""

    code = "backend_error"


class BackendAuthError(BackendError):
    """Claude's API key or login was rejected."""

    code = "backend_auth_failed"
    is_repeatable = False


class BackendForbiddenError(BackendError):
    """The key is valid, but not authorized: permission, billing or region."""

    code = "backend_forbidden"
    is_repeatable = False


class BackendRateLimitedError(BackendError):
    """The backend's account exceeded its rate limit."""

    code = "backend_rate_limited"
    is_repeatable = True


class BackendFailedError(BackendError):
    """The backend reported a failure."""

    code = "backend_error"
    is_repeatable = True


class BackendCrashedError(BackendError):
    """The backend exited, or sent invalid output, without a reason."""

    code = "internal_error"
    is_repeatable = True


class OutputLimitError(BackendError):
    """The backend exceeded the size limit of an answer; `limit` is in bytes, if known."""

    code = "output_limit_exceeded"
    is_repeatable = False

    def __init__(
        self, problem: str, *, limit: int | None = None, **details: Unpack[Details]
    ) -> None:
        super().__init__(problem, **details)
        self.limit = limit


class EmptyResponseError(BackendError):
    """The backend finished without an answer: Claude without a text, the upstream without a choice."""

    code = "empty_response"
    is_repeatable = False


class SchemaValidationError(BackendError):
    """The model wrote no document that is valid against the client's schema."""

    code = "schema_validation_failed"
    is_repeatable = True


class ToolChoiceNotFollowedError(BackendError):
    """The model called no tool, where the client requires a call."""

    code = "tool_choice_not_followed"
    is_repeatable = False


class StreamCutError(BackendError):
    """A stream that had started ended before its answer was complete."""

    code = "stream_error"


class TurnTimeoutError(BackendError):
    """The turn exceeded its time limit; `limit` is in seconds, if known."""

    code = "timeout"

    def __init__(
        self, problem: str, *, limit: float | None = None, **details: Unpack[Details]
    ) -> None:
        super().__init__(problem, **details)
        self.limit = limit
