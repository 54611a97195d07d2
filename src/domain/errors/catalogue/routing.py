"""Upstreams that cannot serve a request."""

from collections.abc import Iterable, Sequence

from modegate.domain.errors.remedies import Input, Remedy
from modegate.domain.errors.request_errors import (
    InvalidHeaderError,
    ModelNotFoundError,
    SharedKeyForbiddenError,
    UnsupportedCapabilityError,
    UnsupportedEndpointError,
    WebSocketError,
)


def unrouted_model(names: Sequence[str]) -> ModelNotFoundError:
    """Returns the error for a model that no upstream serves; `names` are models and prefixes."""
    return ModelNotFoundError(
        f"No upstream serves this model; the configured names are {', '.join(names)}.",
        param="model",
        models=tuple(names),
        remedies=(Remedy.CHOOSE_LISTED_MODEL,),
    )


def own_key_elsewhere(upstream: str, default: str) -> InvalidHeaderError:
    """Returns the error for a client's own key with a model of another upstream."""
    return InvalidHeaderError(
        f"Your own key is only sent to the upstream {default}, and this model is one of {upstream}.",
        param=Input.UPSTREAM_KEY,
        remedies=(Remedy.OMIT_UPSTREAM_KEY,),
    )


def lacks_capability(needed: str, available: Iterable[str]) -> UnsupportedCapabilityError:
    """Returns the error for a request that needs what the model's upstream lacks."""
    can = ", ".join(sorted(available))
    return UnsupportedCapabilityError(
        f"This model's upstream supports {can}, but not {needed}.",
        param="model",
        remedies=(Remedy.CHOOSE_MODEL,),
    )


def no_such_endpoint() -> UnsupportedEndpointError:
    """Returns the error for an operation that Claude Code mode does not have."""
    return UnsupportedEndpointError(
        "Claude Code mode does not have this endpoint; passthrough has it.",
        remedies=(Remedy.USE_PASSTHROUGH,),
    )


def other_kind(kind: str) -> UnsupportedEndpointError:
    """Returns the error for a request whose model's upstream speaks another API."""
    return UnsupportedEndpointError(
        f"This model's upstream is of kind {kind}, which does not have this endpoint.",
        param="model",
        remedies=(Remedy.CHOOSE_MODEL,),
    )


def shared_key(param: str | None = None) -> SharedKeyForbiddenError:
    """Returns the error for the use of what the upstream keeps for the server's key.

    `param` is the field of the body that names it; None for an operation on it.
    """
    subject = "This endpoint uses" if param is None else f"'{param}' refers to"
    return SharedKeyForbiddenError(
        f"{subject} what the upstream keeps for the server's key, which all clients share.",
        param=param,
        remedies=(Remedy.SEND_UPSTREAM_KEY, Remedy.SHARE_UPSTREAM_STATE),
    )


def websocket() -> WebSocketError:
    """Returns the error for a request to switch to a WebSocket."""
    return WebSocketError("WebSockets are not supported here.", remedies=(Remedy.USE_HTTP,))
