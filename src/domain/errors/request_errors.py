"""Errors of the request itself."""

from collections.abc import Sequence
from typing import Unpack

from modegate.domain.errors.gateway_error import Details, GatewayError


class RequestError(GatewayError):
    """The request itself is wrong; an identical retry fails again."""

    code = "invalid_request"
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
    """No row of the model map matches, or the backend does not know the model.

    `models` are the names that would be accepted, if known.
    """

    code = "model_not_found"

    def __init__(
        self, problem: str, *, models: Sequence[str] = (), **details: Unpack[Details]
    ) -> None:
        super().__init__(problem, **details)
        self.models = tuple(models)


class UnsupportedCapabilityError(RequestError):
    """The upstream of the model lacks what the request needs, such as images."""

    code = "unsupported_capability"


class UnsupportedEndpointError(RequestError):
    """The mode or the kind of the upstream has no such operation."""

    code = "unsupported_endpoint"


class SharedKeyForbiddenError(RequestError):
    """What the upstream keeps for the server's key is not for its clients."""

    code = "shared_key_forbidden"


class ModelNotAllowedError(RequestError):
    """The client's key may not use the model."""

    code = "model_not_allowed"


class ModeNotAllowedError(RequestError):
    """The client's key may not use the mode."""

    code = "mode_not_allowed"


class PriceUnknownError(RequestError):
    """The client has a budget in US dollars, and the price of the request is unknown."""

    code = "price_unknown"


class WebSocketError(RequestError):
    """The request asks for a WebSocket, and only HTTP is answered."""

    code = "websocket_not_supported"


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


class CredentialNotFoundError(RequestError):
    """No credential has this id."""

    code = "credential_not_found"


class KeyNotFoundError(RequestError):
    """No key of a client has this id."""

    code = "key_not_found"


class ObjectNotFoundError(RequestError):
    """No file or batch of the client has this id."""

    code = "object_not_found"


class PreviousResponseNotFoundError(RequestError):
    """The response to continue is unknown, expired, or another client's; the message is the same."""

    code = "previous_response_not_found"


class BatchEndedError(RequestError):
    """The batch has ended, and cannot be cancelled any more."""

    code = "batch_ended"


class KeyReadOnlyError(RequestError):
    """The key is revoked, or belongs to the settings, and cannot be changed."""

    code = "key_read_only"


class PayloadTooLargeError(RequestError):
    """The request body exceeds the size limit."""

    code = "payload_too_large"


class UnsupportedMediaTypeError(RequestError):
    """The content type of the request is not JSON."""

    code = "unsupported_media_type"
