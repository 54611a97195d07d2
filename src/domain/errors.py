"""All errors of modegate, as one tree.

    GatewayError
    ├── RequestError                 the request itself is wrong
    │   ├── InvalidRequestError      malformed, wrong type, or out of bounds
    │   ├── MissingParameterError
    │   ├── UnsupportedParameterError
    │   ├── ModelNotFoundError
    │   ├── ContextLengthError
    │   ├── InvalidHeaderError
    │   ├── InvalidSessionIdError
    │   ├── SessionNotFoundError     unknown, expired, or another client's
    │   ├── PayloadTooLargeError
    │   └── UnsupportedMediaTypeError
    ├── AccessError                  authentication failed
    │   ├── MissingKeyError
    │   └── InvalidKeyError
    ├── BusyError                    valid, but not possible now
    │   ├── ShuttingDownError
    │   ├── SessionBusyError
    │   ├── RateLimitError           too frequent, or too many concurrent requests
    │   └── CapacityError
    ├── ConfigurationError           the operator must act
    │   ├── PassthroughNotConfiguredError
    │   ├── PassthroughDisabledError
    │   ├── BackendUnavailableError
    │   └── StorageError             the session storage cannot be used
    └── BackendError                 the backend failed to answer
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
        ├── UpstreamInvalidResponseError  the upstream's answer cannot be used
        └── UpstreamRefusalError     the upstream's own error, relayed unchanged

This module does not know HTTP. One table in `modegate.entrypoints.http.messages.errors` maps to statuses.
"""

from typing import ClassVar

from modegate.domain.quota import Quota
from modegate.domain.upstream_response import UpstreamResponse


class GatewayError(Exception):
    """An error for a client: what was wrong, then what to do; never a body, a path or a key.

    `param` names the invalid field or header. `retry_after` is in seconds; None if unknown.
    `is_repeatable` states whether the same request may succeed on a retry; None if unknown.
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
    """The request itself is wrong; an identical retry fails again."""

    is_repeatable = False


class InvalidRequestError(RequestError):
    """The request has malformed JSON, a wrong type, or a value out of bounds."""

    code = "invalid_request"


class MissingParameterError(RequestError):
    """A required field is absent."""

    code = "missing_required_parameter"


class UnsupportedParameterError(RequestError):
    """A parameter is set that the backend neither supports nor may ignore."""

    code = "unsupported_parameter"


class ModelNotFoundError(RequestError):
    """No row of the model map matches, or the backend does not know the model."""

    code = "model_not_found"


class ContextLengthError(RequestError):
    """The conversation exceeds the model's context length."""

    code = "context_length_exceeded"


class InvalidHeaderError(RequestError):
    """A request header has an invalid value."""

    code = "invalid_header_value"


class InvalidSessionIdError(RequestError):
    """The session id is not a version 4 UUID."""

    code = "invalid_session_id"


class SessionNotFoundError(RequestError):
    """The session is unknown, expired, or another client's; the message is the same."""

    code = "session_not_found"


class PayloadTooLargeError(RequestError):
    """The request body exceeds the size limit."""

    code = "payload_too_large"


class UnsupportedMediaTypeError(RequestError):
    """The content type of the request is not JSON."""

    code = "unsupported_media_type"


class AccessError(GatewayError):
    """Authentication failed."""

    is_repeatable = False


class MissingKeyError(AccessError):
    """The request has no API key."""

    code = "missing_api_key"


class InvalidKeyError(AccessError):
    """The request has an invalid API key; `label` is that key, masked for the log."""

    code = "invalid_api_key"

    def __init__(self, message: str, *, label: str | None = None) -> None:
        super().__init__(message)
        self.label = label


class BusyError(GatewayError):
    """The request is valid, but cannot be served now; a later retry may succeed."""


class ShuttingDownError(BusyError):
    """The gateway is shutting down."""

    code = "server_shutting_down"

    def __init__(
        self, message: str = "The server is shutting down: send the request again in a moment."
    ) -> None:
        super().__init__(message)


class SessionBusyError(BusyError):
    """Another request is using the session."""

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
    """The client exceeded a rate or concurrency limit; `quota` is of that limit, if known."""

    code = "rate_limit_exceeded"

    def __init__(
        self, message: str, *, retry_after: float | None = None, quota: Quota | None = None
    ) -> None:
        super().__init__(message, retry_after=retry_after)
        self.quota = quota


class CapacityError(BusyError):
    """No process slot became available within the queue timeout."""

    code = "capacity_exceeded"


class ConfigurationError(GatewayError):
    """The operator must act before such a request can succeed."""


class PassthroughNotConfiguredError(ConfigurationError):
    """Neither the server nor the client has a key for the upstream."""

    code = "passthrough_not_configured"
    is_repeatable = False


class PassthroughDisabledError(ConfigurationError):
    """The operator has disabled passthrough."""

    code = "passthrough_disabled"
    is_repeatable = False


class BackendUnavailableError(ConfigurationError):
    """The `claude` executable is missing or cannot be started."""

    code = "backend_unavailable"
    is_repeatable = False


class StorageError(ConfigurationError):
    """The session storage cannot be read or written."""

    code = "storage_unavailable"
    is_repeatable = False


class BackendError(GatewayError):
    """The backend failed to answer."""


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
    """The backend exceeded the size limit of an answer."""

    code = "output_limit_exceeded"
    is_repeatable = False


class EmptyResponseError(BackendError):
    """The backend finished without any text."""

    code = "empty_response"
    is_repeatable = False


class StreamCutError(BackendError):
    """A stream that had started ended before its answer was complete."""

    code = "stream_error"


class TurnTimeoutError(BackendError):
    """The turn exceeded its time limit."""

    code = "timeout"


class UpstreamUnreachableError(BackendError):
    """The upstream could not be connected to, or closed the connection without an answer."""

    code = "upstream_unreachable"

    # `is_transient` is False if a retry cannot succeed soon, such as when something else answered.
    def __init__(self, message: str, *, is_transient: bool = True) -> None:
        super().__init__(message)
        self.is_transient = is_transient
        if not is_transient:
            self.is_repeatable = False


class UpstreamInvalidResponseError(BackendError):
    """The upstream answered, but its answer cannot be read, or is no chat completion.

    `reason` is for the log: it names the fault without quoting the answer.
    """

    code = "upstream_invalid_response"
    is_repeatable = False

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class UpstreamRefusalError(BackendError):
    """The upstream answered with an error; status, headers and body are relayed unchanged."""

    code = "upstream_error"

    def __init__(self, response: UpstreamResponse) -> None:
        super().__init__(f"The upstream answered with status {response.status}.")
        self.response = response
