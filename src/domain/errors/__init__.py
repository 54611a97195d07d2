"""All errors of modegate, as one tree.

    GatewayError
    ├── RequestError                 the request itself is wrong
    │   ├── InvalidRequestError      malformed, wrong type, or out of bounds
    │   ├── MissingParameterError
    │   ├── UnsupportedParameterError
    │   ├── ModelNotFoundError
    │   ├── UnsupportedCapabilityError  the upstream lacks what the request needs
    │   ├── UnsupportedEndpointError  the mode or the upstream has no such operation
    │   ├── SharedKeyForbiddenError  what the upstream keeps for the server's key
    │   ├── ModelNotAllowedError     by the rules of the client's key
    │   ├── ModeNotAllowedError
    │   ├── PriceUnknownError        and the client has a budget in US dollars
    │   ├── WebSocketError           only HTTP is answered
    │   ├── ContextLengthError
    │   ├── InvalidHeaderError       the mode or the client's key for the upstream
    │   ├── InvalidSessionIdError
    │   ├── SessionNotFoundError     unknown, expired, or another client's
    │   ├── CredentialNotFoundError
    │   ├── KeyNotFoundError
    │   ├── KeyReadOnlyError         revoked, or of the settings
    │   ├── ObjectNotFoundError      a file, a batch or a response, also another client's
    │   ├── PreviousResponseNotFoundError  a response to continue
    │   ├── BatchEndedError
    │   ├── PayloadTooLargeError
    │   └── UnsupportedMediaTypeError
    ├── AccessError                  authentication failed
    │   ├── MissingKeyError
    │   └── InvalidKeyError
    ├── BusyError                    valid, but not possible now
    │   ├── ShuttingDownError
    │   ├── SessionBusyError
    │   ├── RateLimitError           too frequent, or too many concurrent requests
    │   ├── BudgetExceededError      until its window ends
    │   ├── CredentialsCoolingError  of the upstream, all of them
    │   └── CapacityError
    ├── ConfigurationError           the operator must act
    │   ├── PassthroughNotConfiguredError
    │   ├── PassthroughDisabledError
    │   ├── NoCredentialsError       all are disabled or expired
    │   ├── BackendUnavailableError
    │   ├── InvalidConfigurationError  at a reload
    │   └── StorageError             the storage cannot be used
    └── BackendError                 the backend failed to answer
        ├── BackendAuthError
        ├── BackendForbiddenError
        ├── BackendRateLimitedError
        ├── BackendFailedError
        ├── BackendCrashedError
        ├── OutputLimitError
        ├── EmptyResponseError
        ├── SchemaValidationError
        ├── ToolChoiceNotFollowedError
        ├── StreamCutError           after the first byte
        ├── TurnTimeoutError
        ├── UpstreamUnreachableError
        ├── UpstreamInvalidResponseError  the upstream's answer cannot be read, or is a redirect
        ├── BadUpstreamResponseError  it is no JSON object
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
    SchemaValidationError,
    StreamCutError,
    ToolChoiceNotFollowedError,
    TurnTimeoutError,
)
from modegate.domain.errors.busy_errors import (
    BudgetExceededError,
    BusyError,
    CapacityError,
    CredentialsCoolingError,
    RateLimitError,
    SessionBusyError,
    ShuttingDownError,
)
from modegate.domain.errors.configuration_errors import (
    BackendUnavailableError,
    ConfigurationError,
    InvalidConfigurationError,
    NoCredentialsError,
    PassthroughDisabledError,
    PassthroughNotConfiguredError,
    StorageError,
)
from modegate.domain.errors.gateway_error import Details, GatewayError
from modegate.domain.errors.remedies import Input, Remedy
from modegate.domain.errors.request_errors import (
    BatchEndedError,
    ContextLengthError,
    CredentialNotFoundError,
    InvalidHeaderError,
    InvalidRequestError,
    InvalidSessionIdError,
    KeyNotFoundError,
    KeyReadOnlyError,
    MissingParameterError,
    ModelNotAllowedError,
    ModelNotFoundError,
    ModeNotAllowedError,
    ObjectNotFoundError,
    PayloadTooLargeError,
    PreviousResponseNotFoundError,
    PriceUnknownError,
    RequestError,
    SessionNotFoundError,
    SharedKeyForbiddenError,
    UnsupportedCapabilityError,
    UnsupportedEndpointError,
    UnsupportedMediaTypeError,
    UnsupportedParameterError,
    WebSocketError,
)
from modegate.domain.errors.upstream_errors import (
    BadUpstreamResponseError,
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
    "BadUpstreamResponseError",
    "BatchEndedError",
    "BudgetExceededError",
    "BusyError",
    "CapacityError",
    "ConfigurationError",
    "ContextLengthError",
    "CredentialNotFoundError",
    "CredentialsCoolingError",
    "Details",
    "EmptyResponseError",
    "GatewayError",
    "Input",
    "InvalidConfigurationError",
    "InvalidHeaderError",
    "InvalidKeyError",
    "InvalidRequestError",
    "InvalidSessionIdError",
    "KeyNotFoundError",
    "KeyReadOnlyError",
    "MissingKeyError",
    "MissingParameterError",
    "ModeNotAllowedError",
    "ModelNotAllowedError",
    "ModelNotFoundError",
    "NoCredentialsError",
    "ObjectNotFoundError",
    "OutputLimitError",
    "PassthroughDisabledError",
    "PassthroughNotConfiguredError",
    "PayloadTooLargeError",
    "PreviousResponseNotFoundError",
    "PriceUnknownError",
    "RateLimitError",
    "Remedy",
    "RequestError",
    "SchemaValidationError",
    "SessionBusyError",
    "SessionNotFoundError",
    "SharedKeyForbiddenError",
    "ShuttingDownError",
    "StorageError",
    "StreamCutError",
    "ToolChoiceNotFollowedError",
    "TurnTimeoutError",
    "UnsupportedCapabilityError",
    "UnsupportedEndpointError",
    "UnsupportedMediaTypeError",
    "UnsupportedParameterError",
    "UpstreamInvalidResponseError",
    "UpstreamRefusalError",
    "UpstreamUnreachableError",
    "WebSocketError",
    "Wording",
]
