"""Renders every error in the dialect of its path, with its status; independent of Falcon."""

from collections.abc import Mapping
from types import MappingProxyType

from modegate.dialects.chat.dialect import ChatDialect
from modegate.dialects.chat.errors import error_object
from modegate.dialects.dialect import Dialect, ErrorFacts
from modegate.dialects.sse import DONE, event
from modegate.domain import errors
from modegate.domain.errors import GatewayError, Wording
from modegate.entrypoints.http.messages.wording import HEADERS
from modegate.lazy_dataclass import dataclass

INVALID = "invalid_request_error"
UNAUTHENTICATED = "authentication_error"
FORBIDDEN = "permission_error"
LIMITED = "rate_limit_error"
FAILED = "server_error"
INTERNAL = 500

STATUSES: Mapping[type[GatewayError], tuple[int, str]] = MappingProxyType(
    {
        errors.InvalidRequestError: (400, INVALID),
        errors.MissingParameterError: (400, INVALID),
        errors.UnsupportedParameterError: (400, INVALID),
        errors.ModelNotFoundError: (400, INVALID),
        errors.ContextLengthError: (400, INVALID),
        errors.UnsupportedCapabilityError: (400, INVALID),
        errors.UnsupportedEndpointError: (400, INVALID),
        errors.SharedKeyForbiddenError: (403, FORBIDDEN),
        errors.ModelNotAllowedError: (403, FORBIDDEN),
        errors.ModeNotAllowedError: (403, FORBIDDEN),
        errors.PriceUnknownError: (403, FORBIDDEN),
        errors.WebSocketError: (426, INVALID),
        errors.InvalidHeaderError: (400, INVALID),
        errors.InvalidSessionIdError: (400, INVALID),
        errors.SessionNotFoundError: (404, INVALID),
        errors.CredentialNotFoundError: (404, INVALID),
        errors.KeyNotFoundError: (404, INVALID),
        errors.KeyReadOnlyError: (409, INVALID),
        errors.ObjectNotFoundError: (404, INVALID),
        errors.PreviousResponseNotFoundError: (400, INVALID),
        errors.BatchEndedError: (409, INVALID),
        errors.PayloadTooLargeError: (413, INVALID),
        errors.UnsupportedMediaTypeError: (415, INVALID),
        errors.MissingKeyError: (401, UNAUTHENTICATED),
        errors.InvalidKeyError: (401, UNAUTHENTICATED),
        errors.ShuttingDownError: (503, FAILED),
        errors.SessionBusyError: (429, LIMITED),
        errors.RateLimitError: (429, LIMITED),
        errors.BudgetExceededError: (429, LIMITED),
        errors.CapacityError: (429, LIMITED),
        errors.CredentialsCoolingError: (429, LIMITED),
        errors.NoCredentialsError: (503, FAILED),
        errors.PassthroughNotConfiguredError: (503, FAILED),
        errors.PassthroughDisabledError: (503, FAILED),
        errors.BackendUnavailableError: (503, FAILED),
        errors.StorageError: (503, FAILED),
        errors.InvalidConfigurationError: (422, INVALID),
        errors.BackendAuthError: (401, UNAUTHENTICATED),
        errors.BackendForbiddenError: (403, FORBIDDEN),
        errors.BackendRateLimitedError: (429, LIMITED),
        errors.BackendFailedError: (502, FAILED),
        errors.BackendCrashedError: (500, FAILED),
        errors.OutputLimitError: (502, FAILED),
        errors.EmptyResponseError: (502, FAILED),
        errors.SchemaValidationError: (502, FAILED),
        errors.ToolChoiceNotFollowedError: (502, FAILED),
        errors.StreamCutError: (502, FAILED),
        errors.TurnTimeoutError: (504, FAILED),
        errors.UpstreamUnreachableError: (502, FAILED),
        errors.UpstreamInvalidResponseError: (502, FAILED),
        errors.BadUpstreamResponseError: (502, FAILED),
    }
)
# For a team's own leaves, and for an upstream's error in mid-stream.
OF_BRANCHES: Mapping[type[GatewayError], tuple[int, str]] = MappingProxyType(
    {
        errors.RequestError: (400, INVALID),
        errors.AccessError: (401, UNAUTHENTICATED),
        errors.BusyError: (429, LIMITED),
        errors.ConfigurationError: (503, FAILED),
        GatewayError: (502, FAILED),
    }
)
KNOWN = {**OF_BRANCHES, **STATUSES}

FRAMEWORK: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        404: (
            "not_found",
            "This URL does not exist: see /docs, or use /v1/chat/completions.",
        ),
        405: (
            "method_not_allowed",
            "This URL does not support the method: use one that the header Allow lists.",
        ),
        408: ("request_timeout", "The request did not arrive in time: send it faster."),
        431: ("headers_too_large", "The headers are larger than 64 KiB: send fewer, or shorter."),
    }
)
INCOMPLETE = "The answer is incomplete. "
NOT_HTTP = (
    "invalid_request",
    "The request is not well-formed HTTP/1.1: check the client and any proxy.",
)


@dataclass(frozen=True, slots=True)
class ErrorForm:
    """The form of the errors of one request: its dialect, and its id where the dialect has one."""

    dialect: Dialect
    request_id: str | None = None


OPENAI = ErrorForm(ChatDialect())


def status_of(kind: type[GatewayError]) -> tuple[int, str]:
    """Returns the status and the type of an error class; a subclass has those of its parent."""
    return next(KNOWN[parent] for parent in kind.__mro__ if parent in KNOWN)


def render_error(
    error: GatewayError, wording: Wording = HEADERS, form: ErrorForm = OPENAI
) -> tuple[int, bytes]:
    """Returns the status and the body of an error."""
    status, kind = status_of(type(error))
    facts = ErrorFacts(
        status=status,
        kind=kind,
        code=error.code,
        message=error.explain(wording),
        param=wording.name(error.param),
        request_id=form.request_id,
    )
    return form.dialect.error(facts)


def framework_error(status: int, form: ErrorForm = OPENAI) -> bytes:
    """Returns the body of an error raised by the framework or by the HTTP server."""
    code, message = FRAMEWORK.get(status, NOT_HTTP)
    return _body(form, status, INVALID, code, message)


def internal_error(form: ErrorForm = OPENAI) -> bytes:
    """Returns the body for an unexpected error, without details."""
    told = "The server failed to handle the request: try again; the server's log says more."
    return _body(form, INTERNAL, FAILED, errors.BackendCrashedError.code, told)


def _body(form: ErrorForm, status: int, kind: str, code: str, message: str) -> bytes:
    facts = ErrorFacts(
        status=status, kind=kind, code=code, message=message, request_id=form.request_id
    )
    return form.dialect.error(facts)[1]


def stream_facts(error: GatewayError) -> ErrorFacts:
    """Returns an error of a started stream, whose status is already sent."""
    status, kind = status_of(type(error))
    return ErrorFacts(status=status, kind=kind, code=error.code, message=stream_message(error))


def stream_error(error: GatewayError) -> bytes:
    """Returns OpenAI's error object for a started stream."""
    facts = stream_facts(error)
    return error_object(facts.message, facts.kind, errors.StreamCutError.code)


def cut_of_chat(error: GatewayError) -> bytes:
    """Returns an error event and `[DONE]`, for a stream that was cut."""
    return event(stream_error(error)) + DONE


def stream_message(error: GatewayError) -> str:
    """Returns the message of the error of a started stream."""
    return f"{INCOMPLETE}{error.explain(HEADERS)}"
