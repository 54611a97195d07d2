"""Every way in which modegate refuses or fails, as one tree.

    GatewayError
    ├── RequestError                 the request itself is wrong
    │   ├── InvalidRequestError      malformed, of the wrong type, out of bounds
    │   ├── MissingParameterError
    │   ├── UnsupportedParameterError
    │   ├── ModelNotFoundError
    │   ├── ContextLengthError
    │   ├── InvalidHeaderError
    │   ├── InvalidSessionIdError
    │   ├── SessionNotFoundError     unknown, expired, or another client's
    │   ├── PayloadTooLargeError
    │   └── UnsupportedMediaTypeError
    ├── AccessError                  whoever asks may not
    │   ├── MissingKeyError
    │   └── InvalidKeyError
    ├── BusyError                    right, but not now
    │   ├── ShuttingDownError
    │   ├── SessionBusyError
    │   ├── RateLimitError           too often, or too many at once
    │   └── CapacityError
    ├── ConfigurationError           the operator has to act
    │   ├── PassthroughNotConfiguredError
    │   ├── PassthroughDisabledError
    │   ├── BackendUnavailableError
    │   └── StorageError             what sessions are kept in cannot be used
    └── BackendError                 whoever was to answer did not
        ├── BackendAuthError
        ├── BackendForbiddenError
        ├── BackendRateLimitedError
        ├── BackendFailedError
        ├── BackendCrashedError
        ├── OutputLimitError
        ├── EmptyResponseError
        ├── StreamCutError           after the first byte
        ├── TurnTimeoutError
        ├── UpstreamUnreachableError
        ├── UpstreamInvalidResponseError  an answer came, and cannot be used
        └── UpstreamRefusalError     the upstream's own error, handed on as it came

Nothing here knows HTTP: the statuses stand in one table in `modegate.entrypoints.http.errors`.
"""

from typing import ClassVar

from modegate.domain.quota import Quota
from modegate.domain.verbatim import Verbatim


class GatewayError(Exception):
    """What a client is told: what was wrong and what to do; never a body, a path or a key.

    `param` names the offending field or header; `retry_after` is in seconds, where it is known.
    `is_repeatable` says whether the same request may succeed when it is sent again soon; None says
    nothing about it.
    """

    code: ClassVar[str]
    is_repeatable: bool | None = None

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        retry_after: float | None = None,
        is_repeatable: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after = retry_after
        if is_repeatable is not None:
            self.is_repeatable = is_repeatable
        elif retry_after is not None:
            self.is_repeatable = True


class RequestError(GatewayError):
    """The request itself is wrong; the same again will fail again."""

    is_repeatable = False


class InvalidRequestError(RequestError):
    """Malformed JSON, a wrong type, or a value out of bounds."""

    code = "invalid_request"


class MissingParameterError(RequestError):
    """A required field is absent."""

    code = "missing_required_parameter"


class UnsupportedParameterError(RequestError):
    """A parameter that the chosen backend cannot honour and must not ignore."""

    code = "unsupported_parameter"


class ModelNotFoundError(RequestError):
    """No row of the model map, or the backend does not know the model."""

    code = "model_not_found"


class ContextLengthError(RequestError):
    """The conversation is longer than the model takes."""

    code = "context_length_exceeded"


class InvalidHeaderError(RequestError):
    """A request header has a value that means nothing."""

    code = "invalid_header_value"


class InvalidSessionIdError(RequestError):
    """The session id is not a UUID of version 4."""

    code = "invalid_session_id"


class SessionNotFoundError(RequestError):
    """Unknown, expired and another client's look alike."""

    code = "session_not_found"


class PayloadTooLargeError(RequestError):
    """The body is longer than the bound."""

    code = "payload_too_large"


class UnsupportedMediaTypeError(RequestError):
    """The body is not declared as JSON."""

    code = "unsupported_media_type"


class AccessError(GatewayError):
    """Whoever asks may not."""

    is_repeatable = False


class MissingKeyError(AccessError):
    """The request carries no key."""

    code = "missing_api_key"


class InvalidKeyError(AccessError):
    """The request carries a key that opens nothing; `label` is that key, masked for the log."""

    code = "invalid_api_key"

    def __init__(self, message: str, *, label: str | None = None) -> None:
        super().__init__(message)
        self.label = label


class BusyError(GatewayError):
    """The request is right; the moment is not."""


class ShuttingDownError(BusyError):
    """The gateway is about to end."""

    code = "server_shutting_down"

    def __init__(
        self, message: str = "The server is shutting down: send the request again in a moment."
    ) -> None:
        super().__init__(message)


class SessionBusyError(BusyError):
    """Another request holds the session."""

    code = "session_busy"

    def __init__(
        self,
        message: str = "Another request is using this session: wait for its answer, or leave out "
        "X-Claude-Session-ID and send X-Claude-Code: true to begin a new one.",
        *,
        param: str | None = "X-Claude-Session-ID",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, param=param, retry_after=retry_after)


class RateLimitError(BusyError):
    """The client has asked too often, or asks too much at once; `quota` is of the limit it met."""

    code = "rate_limit_exceeded"

    def __init__(
        self, message: str, *, retry_after: float | None = None, quota: Quota | None = None
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.quota = quota


class CapacityError(BusyError):
    """No process slot became free in time."""

    code = "capacity_exceeded"


class ConfigurationError(GatewayError):
    """The operator has to act before such a request can succeed."""


class PassthroughNotConfiguredError(ConfigurationError):
    """Neither the server nor the client has a key for the upstream."""

    code = "passthrough_not_configured"
    is_repeatable = False


class PassthroughDisabledError(ConfigurationError):
    """The operator switched passthrough off."""

    code = "passthrough_disabled"
    is_repeatable = False


class BackendUnavailableError(ConfigurationError):
    """The `claude` executable is missing or cannot be started."""

    code = "backend_unavailable"
    is_repeatable = False


class StorageError(ConfigurationError):
    """What sessions are kept in cannot be read or written."""

    code = "storage_unavailable"
    is_repeatable = False


class BackendError(GatewayError):
    """Whoever was to answer the turn did not."""


class BackendAuthError(BackendError):
    """Claude's key or login was refused."""

    code = "backend_auth_failed"
    is_repeatable = False


class BackendForbiddenError(BackendError):
    """The key is known, but may not do this: permission, billing or region."""

    code = "backend_forbidden"
    is_repeatable = False


class BackendRateLimitedError(BackendError):
    """The account behind the backend is over its own limit."""

    code = "backend_rate_limited"
    is_repeatable = True


class BackendFailedError(BackendError):
    """The backend said itself that it failed."""

    code = "backend_error"
    is_repeatable = True


class BackendCrashedError(BackendError):
    """The backend ended, or spoke nonsense, without saying why."""

    code = "internal_error"
    is_repeatable = True


class OutputLimitError(BackendError):
    """The backend wrote more than one answer may hold."""

    code = "output_limit_exceeded"
    is_repeatable = False


class EmptyResponseError(BackendError):
    """The backend finished without a word."""

    code = "empty_response"
    is_repeatable = False


class StreamCutError(BackendError):
    """A stream that had begun ended before its answer was whole."""

    code = "stream_error"


class TurnTimeoutError(BackendError):
    """No answer within the time a turn may take."""

    code = "timeout"


class UpstreamUnreachableError(BackendError):
    """No connection to the upstream, or it closed without an answer."""

    code = "upstream_unreachable"

    # Whether the same request may succeed soon: not where something answered that is no upstream.
    def __init__(self, message: str, *, is_transient: bool = True) -> None:
        super().__init__(message)
        self.is_transient = is_transient
        if not is_transient:
            self.is_repeatable = False


class UpstreamInvalidResponseError(BackendError):
    """The upstream answered, but its answer cannot be read, or is no chat completion.

    `reason` is for the log: it says what came, without any of its contents.
    """

    code = "upstream_invalid_response"
    is_repeatable = False

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class UpstreamRefusalError(BackendError):
    """The upstream answered with an error; status, headers and body stand as they came."""

    code = "upstream_error"

    def __init__(self, answer: Verbatim) -> None:
        super().__init__(f"The upstream answered with status {answer.status}.")
        self.answer = answer
