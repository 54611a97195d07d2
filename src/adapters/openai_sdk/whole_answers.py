"""What becomes of a whole answer, by its bytes; without I/O."""

from collections.abc import Mapping
from typing import Any

import orjson

from modegate.adapters.openai_sdk import failures
from modegate.adapters.openai_sdk.answer_kind import AnswerKind, kind_of, plain_start
from modegate.adapters.openai_sdk.chunk_joining import join_chunks
from modegate.adapters.openai_sdk.labels import as_json
from modegate.adapters.openai_sdk.lenient_json import dumps, loads
from modegate.adapters.openai_sdk.relay import SseRelay
from modegate.adapters.openai_sdk.sse_events import Event, parse_events
from modegate.adapters.openai_sdk.upstream_errors import error_in, status_of
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.verbatim import Verbatim, VerbatimHead

# Up to here all of a body is parsed, to see whether it is whole: 1 µs a KiB of text, 5 of log
# probabilities (orjson 3.13). Beyond it the first and the last byte must do.
PARSED_BYTES = 64 * 1024


def whole_answer(head: VerbatimHead, body: bytes, *, says_events: bool, choices: int) -> Verbatim:
    """The answer to a request without `stream`: JSON as it came, or put together from events.

    Raises:
        UpstreamRefusalError: it is an error, whatever its status said.
        UpstreamInvalidResponseError: it is anything else.
        EmptyResponseError: it is empty.
    """
    if _is_plainly_one(body):
        return Verbatim(head.status, as_json(head), body)
    match kind_of(body, says_events=says_events, ended=True):
        case AnswerKind.JSON:
            check_object(head, body)
            return Verbatim(head.status, as_json(head), body)
        case AnswerKind.EVENTS:
            joined = _joined(head, plain_start(body), choices)
            return Verbatim(head.status, as_json(head), dumps(joined))
        case AnswerKind.NOTHING:
            raise failures.empty("an empty body")
        case kind:
            raise failures.no_completion(kind)


def _is_plainly_one(body: bytes) -> bool:
    """Whether the body is a completion without any doubt: the way of nearly all answers."""
    if len(body) > PARSED_BYTES:
        return False
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and "choices" in value and not value.get("error")


def check_object(head: VerbatimHead, body: bytes) -> None:
    """Checks that a body is a JSON object; only its ends where it is too long to be parsed.

    Raises:
        UpstreamRefusalError: it is an error.
        UpstreamInvalidResponseError: it is not a whole JSON object.
    """
    if len(body) > PARSED_BYTES:
        if not (plain_start(body).startswith(b"{") and body.rstrip().endswith(b"}")):
            raise failures.unreadable("JSON that is not whole")
    else:
        parsed_object(head, body)


def parsed_object(head: VerbatimHead, body: bytes) -> Mapping[str, Any]:
    """The object in a body; it raises what `check_object` does."""
    try:
        value = loads(body)
    except ValueError as error:
        raise failures.unreadable("JSON that is not whole or not valid") from error
    if error_in(value) is not None:
        raise refusal(head, value, body)
    if not isinstance(value, dict):
        raise failures.no_completion("JSON that is no object")
    return value


def refusal(head: VerbatimHead, error: object, body: bytes) -> GatewayError:
    """An error that came with a success's status, with the status that it names."""
    return UpstreamRefusalError(Verbatim(status_of(error), as_json(head), body))


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
        text = event.data.decode("utf-8", "replace").strip()
        value = {"error": _error_object(text or "The upstream reported an error.")}
        return refusal(head, value, dumps(value))
    if event.is_error or error_in(value) is not None:
        return refusal(head, value, event.data)
    return None


def _joined(head: VerbatimHead, stream: bytes, choices: int) -> object:
    relay = SseRelay(choices)
    kept = relay.feed(stream) + relay.finish()
    chunks = []
    for event in parse_events(kept):
        if not event.data.strip() and not event.is_error:
            continue
        if (error := refused_by_event(head, event)) is not None:
            raise error
        chunks.append(loads(event.data))
    if not chunks:
        raise failures.empty("events that say nothing")
    if not relay.whole:
        raise failures.unreadable("events that ended too early")
    completion = join_chunks(chunk for chunk in chunks if isinstance(chunk, dict))
    if not completion["choices"]:
        raise failures.no_completion("events that are no chunks")
    return completion


def _error_object(message: str) -> dict[str, object]:
    return {"message": message, "type": "server_error", "param": None, "code": "upstream_error"}
