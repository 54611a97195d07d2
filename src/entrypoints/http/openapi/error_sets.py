"""Sets of errors by the step of a request that raises them."""

from modegate.domain import errors
from modegate.entrypoints.http.openapi.errors import Kind

# From every endpoint: invalid HTTP before routing, or an unexpected error.
ANYWHERE: tuple[Kind, ...] = (errors.InvalidRequestError, errors.BackendCrashedError)
# While the gateway shuts down, or has too many connections.
CLOSING: tuple[Kind, ...] = (errors.ShuttingDownError, errors.CapacityError)
ADMISSION: tuple[Kind, ...] = (
    errors.MissingKeyError,
    errors.InvalidKeyError,
    errors.RateLimitError,
)
BODY: tuple[Kind, ...] = (errors.PayloadTooLargeError, errors.UnsupportedMediaTypeError)
SESSION: tuple[Kind, ...] = (
    errors.InvalidSessionIdError,
    errors.SessionNotFoundError,
    errors.StorageError,
)
CLAUDE_CODE: tuple[Kind, ...] = (
    errors.MissingParameterError,
    errors.UnsupportedParameterError,
    errors.ModelNotFoundError,
    errors.ContextLengthError,
    errors.SessionBusyError,
    errors.CapacityError,
    errors.BackendUnavailableError,
    errors.BackendAuthError,
    errors.BackendForbiddenError,
    errors.BackendRateLimitedError,
    errors.BackendFailedError,
    errors.OutputLimitError,
    errors.EmptyResponseError,
    errors.SchemaValidationError,
    errors.ToolChoiceNotFollowedError,
)
UPSTREAM: tuple[Kind, ...] = (
    errors.TurnTimeoutError,
    errors.OutputLimitError,
    errors.UpstreamUnreachableError,
    errors.UpstreamInvalidResponseError,
)
PASSTHROUGH: tuple[Kind, ...] = (
    errors.PassthroughNotConfiguredError,
    errors.PassthroughDisabledError,
    errors.UnsupportedCapabilityError,
    errors.UnsupportedEndpointError,
    errors.CredentialsCoolingError,
    errors.NoCredentialsError,
    *UPSTREAM,
    errors.BadUpstreamResponseError,
    errors.EmptyResponseError,
)
# Of files and batches that the gateway keeps.
BATCHES: tuple[Kind, ...] = (
    errors.ObjectNotFoundError,
    errors.BatchEndedError,
    errors.PayloadTooLargeError,
    errors.StorageError,
)
# Of responses that the gateway keeps.
KEPT_RESPONSES: tuple[Kind, ...] = (
    errors.PreviousResponseNotFoundError,
    errors.ObjectNotFoundError,
    errors.StorageError,
)
# By the rules of the client's key.
KEY_RULES: tuple[Kind, ...] = (errors.ModelNotAllowedError, errors.ModeNotAllowedError)
# Of a key or a gateway with a budget.
BUDGET: tuple[Kind, ...] = (errors.BudgetExceededError, errors.PriceUnknownError)
CHAT: tuple[Kind, ...] = (
    errors.InvalidHeaderError,
    *ADMISSION,
    *KEY_RULES,
    *BUDGET,
    *BODY,
    *SESSION,
    *CLAUDE_CODE,
    *PASSTHROUGH,
)
# Of relayed operations, beside those of chat: WebSockets are offered on these paths.
RELAYED: tuple[Kind, ...] = (
    errors.UnsupportedEndpointError,
    errors.WebSocketError,
    *KEY_RULES,
    *BUDGET,
)
SHARED_STATE: tuple[Kind, ...] = (errors.SharedKeyForbiddenError,)
