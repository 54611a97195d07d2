"""Renders every error as OpenAI's error object, with its status; independent of Falcon."""

import json
from collections.abc import Mapping
from types import MappingProxyType

from modegate.dialects.json import escape_line_separators
from modegate.domain import errors
from modegate.domain.errors import GatewayError, Wording
from modegate.entrypoints.http.messages.wording import HEADERS

INVALID = "invalid_request_error"
UNAUTHENTICATED = "authentication_error"
FORBIDDEN = "permission_error"
LIMITED = "rate_limit_error"
FAILED = "server_error"

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


def error_object(message: str, kind: str, code: str, param: str | None = None) -> bytes:
    """Returns the body of an error, with exactly these four fields."""
    error = {"message": message, "type": kind, "param": param, "code": code}
    text = json.dumps({"error": error}, ensure_ascii=False)
    return escape_line_separators(text).encode("utf-8", "replace")


def status_of(kind: type[GatewayError]) -> tuple[int, str]:
    """Returns the status and the type of an error class; a subclass has those of its parent."""
    return next(KNOWN[parent] for parent in kind.__mro__ if parent in KNOWN)


def render_error(error: GatewayError, wording: Wording = HEADERS) -> tuple[int, bytes]:
    """Returns the status and the body of an error."""
    status, kind = status_of(type(error))
    message, param = error.explain(wording), wording.name(error.param)
    return status, error_object(message, kind, error.code, param)


def framework_error(status: int) -> bytes:
    """Returns the body of an error raised by the framework or by the HTTP server."""
    code, message = FRAMEWORK.get(status, NOT_HTTP)
    return error_object(message, INVALID, code)


def internal_error() -> bytes:
    """Returns the body for an unexpected error, without details."""
    return error_object(
        "The server failed to handle the request: try again; the server's log says more.",
        FAILED,
        errors.BackendCrashedError.code,
    )


def stream_error(error: GatewayError) -> bytes:
    """Returns the error of a started stream, whose status is already sent."""
    _, kind = status_of(type(error))
    return error_object(stream_message(error), kind, errors.StreamCutError.code)


def stream_message(error: GatewayError) -> str:
    """Returns the message of the error of a started stream."""
    return f"{INCOMPLETE}{error.explain(HEADERS)}"
