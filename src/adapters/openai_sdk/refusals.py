"""Errors that come with the status of a success; without I/O."""

from typing import Any

from modegate.adapters.openai_sdk import failures
from modegate.adapters.openai_sdk.labels import as_json
from modegate.adapters.openai_sdk.lenient_json import dumps, loads
from modegate.adapters.openai_sdk.sse_events import Event
from modegate.adapters.openai_sdk.upstream_errors import error_in, status_of
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.verbatim import Verbatim, VerbatimHead


def refused_by_event(head: VerbatimHead, event: Event) -> GatewayError | None:
    """The error that an event is; None where it is none.

    Raises:
        UpstreamInvalidResponseError: it is neither an error nor a chunk.
    """
    try:
        value: Any = loads(event.data)
    except ValueError as error:
        if not event.is_error:
            raise failures.no_completion("events that hold no JSON") from error
        return refusal(head, {}, dumps({"error": _error_of_words(event.data)}))
    if error_in(value) is not None:
        return refusal(head, value, event.data)
    return refusal(head, value, dumps({"error": value})) if event.is_error else None


def refusal(head: VerbatimHead, error: object, body: bytes) -> GatewayError:
    """An error that came with a success's status, with the status that it names."""
    return UpstreamRefusalError(Verbatim(status_of(error), as_json(head), body))


def _error_of_words(words: bytes) -> dict[str, object]:
    message = words.decode("utf-8", "replace").strip() or "The upstream reported an error."
    return {"message": message, "type": "server_error", "param": None, "code": "upstream_error"}
