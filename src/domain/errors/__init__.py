"""All errors of modegate, as one tree.

    GatewayError
    ├── RequestError                 the request itself is wrong
    │   ├── InvalidRequestError      malformed, wrong type, or out of bounds
    │   ├── MissingParameterError
    │   ├── UnsupportedParameterError
    │   ├── ModelNotFoundError
    │   ├── ContextLengthError
    │   ├── InvalidHeaderError       the mode or the client's key for the upstream
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

An error carries facts, and names no header, setting or command. `catalogue` has a function for each
error that modegate raises. An entry point words the remedies with its own `Wording`. Each subclass
is treated as its parent.
"""

from modegate.domain.errors.access_errors import AccessError, InvalidKeyError, MissingKeyError
from modegate.domain.errors.backend_errors import (
    BackendAuthError,
    BackendCrashedError,
    BackendError,
    BackendFailedError,
    BackendForbiddenError,
    BackendRateLimitedError,
    EmptyResponseError,
    OutputLimitError,
    StreamCutError,
    TurnTimeoutError,
)
from modegate.domain.errors.busy_errors import (
    BusyError,
    CapacityError,
    RateLimitError,
    SessionBusyError,
    ShuttingDownError,
)
from modegate.domain.errors.configuration_errors import (
    BackendUnavailableError,
    ConfigurationError,
    PassthroughDisabledError,
    PassthroughNotConfiguredError,
    StorageError,
)
from modegate.domain.errors.gateway_error import Details, GatewayError
from modegate.domain.errors.remedies import Input, Remedy
from modegate.domain.errors.request_errors import (
    ContextLengthError,
    InvalidHeaderError,
    InvalidRequestError,
    InvalidSessionIdError,
    MissingParameterError,
    ModelNotFoundError,
    PayloadTooLargeError,
    RequestError,
    SessionNotFoundError,
    UnsupportedMediaTypeError,
    UnsupportedParameterError,
)
from modegate.domain.errors.upstream_errors import (
    UpstreamInvalidResponseError,
    UpstreamRefusalError,
    UpstreamUnreachableError,
)
from modegate.domain.errors.wording import GENERAL, NEUTRAL, Wording

__all__ = [
    "GENERAL",
    "NEUTRAL",
    "AccessError",
    "BackendAuthError",
    "BackendCrashedError",
    "BackendError",
    "BackendFailedError",
    "BackendForbiddenError",
    "BackendRateLimitedError",
    "BackendUnavailableError",
    "BusyError",
    "CapacityError",
    "ConfigurationError",
    "ContextLengthError",
    "Details",
    "EmptyResponseError",
    "GatewayError",
    "Input",
    "InvalidHeaderError",
    "InvalidKeyError",
    "InvalidRequestError",
    "InvalidSessionIdError",
    "MissingKeyError",
    "MissingParameterError",
    "ModelNotFoundError",
    "OutputLimitError",
    "PassthroughDisabledError",
    "PassthroughNotConfiguredError",
    "PayloadTooLargeError",
    "RateLimitError",
    "Remedy",
    "RequestError",
    "SessionBusyError",
    "SessionNotFoundError",
    "ShuttingDownError",
    "StorageError",
    "StreamCutError",
    "TurnTimeoutError",
    "UnsupportedMediaTypeError",
    "UnsupportedParameterError",
    "UpstreamInvalidResponseError",
    "UpstreamRefusalError",
    "UpstreamUnreachableError",
    "Wording",
]
