"""Errors in answers with a success status; sans-I/O."""

from typing import Any

from modegate.adapters.openai_sdk.answers.content_type import as_json
from modegate.adapters.openai_sdk.answers.lenient_json import dumps, loads
from modegate.adapters.openai_sdk.answers.sse_events import Event
from modegate.adapters.openai_sdk.answers.upstream_errors import error_in, status_of
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.upstream_response import ResponseHead, UpstreamResponse


def refused_by_event(head: ResponseHead, event: Event) -> GatewayError | None:
    """Returns the error for an error event, or None for a chunk.

    Raises:
        UpstreamInvalidResponseError: if the event is neither an error nor a chunk.
    """
    try:
        value: Any = loads(event.data)
    except ValueError as error:
        if not event.is_error:
            raise errors.no_completion("events that hold no JSON") from error
        return refusal(head, {}, dumps({"error": _error_of_words(event.data)}))
    if error_in(value) is not None:
        return refusal(head, value, event.data)
    return refusal(head, value, dumps({"error": value})) if event.is_error else None


def refusal(head: ResponseHead, error: object, body: bytes) -> GatewayError:
    """Returns the error of an answer with a success status; its new status is the one it names."""
    return UpstreamRefusalError(UpstreamResponse(status_of(error), as_json(head), body))


def _error_of_words(words: bytes) -> dict[str, object]:
    message = words.decode("utf-8", "replace").strip() or "The upstream reported an error."
    return {"message": message, "type": "server_error", "param": None, "code": "upstream_error"}
