"""What becomes of a whole answer, by its bytes; without I/O."""

from collections.abc import Mapping
from typing import Any

import orjson

from modegate.adapters.openai_sdk import errors
from modegate.adapters.openai_sdk.answers.answer_kind import AnswerKind, kind_of, plain_start
from modegate.adapters.openai_sdk.answers.chunk_joining import join_chunks
from modegate.adapters.openai_sdk.answers.content_type import as_json
from modegate.adapters.openai_sdk.answers.lenient_json import dumps, loads
from modegate.adapters.openai_sdk.answers.refusals import refusal, refused_by_event
from modegate.adapters.openai_sdk.answers.sse_events import parse_events
from modegate.adapters.openai_sdk.answers.sse_relay import SseRelay
from modegate.adapters.openai_sdk.answers.upstream_errors import error_in
from modegate.domain.upstream_response import ResponseHead, UpstreamResponse

# Up to here all of a body is parsed, to see whether it is whole: 1 µs a KiB of text, 5 of log
# probabilities (orjson 3.13). Beyond it the first and the last byte must do.
PARSED_BYTES = 64 * 1024


def whole_answer(
    head: ResponseHead, body: bytes, *, says_events: bool, choices: int
) -> UpstreamResponse:
    """The answer to a request without `stream`: JSON as it came, or put together from events.

    Raises:
        UpstreamRefusalError: it is an error, whatever its status said.
        UpstreamInvalidResponseError: it is anything else.
        EmptyResponseError: it is empty.
    """
    if _is_plainly_one(body):
        return UpstreamResponse(head.status, as_json(head), body)
    match kind_of(body, says_events=says_events, ended=True):
        case AnswerKind.JSON:
            check_object(head, body)
            return UpstreamResponse(head.status, as_json(head), body)
        case AnswerKind.EVENTS:
            joined = _joined(head, plain_start(body), choices)
            return UpstreamResponse(head.status, as_json(head), joined)
        case AnswerKind.NOTHING:
            raise errors.empty("an empty body")
        case kind:
            raise errors.no_completion(kind)


def _is_plainly_one(body: bytes) -> bool:
    """Whether the body is a completion without any doubt: the way of nearly all answers."""
    if len(body) > PARSED_BYTES:
        return False
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and "choices" in value and not value.get("error")


def check_object(head: ResponseHead, body: bytes) -> None:
    """Checks that a body is a JSON object; only its ends where it is too long to be parsed.

    Raises:
        UpstreamRefusalError: it is an error.
        UpstreamInvalidResponseError: it is not a whole JSON object.
    """
    if len(body) > PARSED_BYTES:
        if not (plain_start(body).startswith(b"{") and body.rstrip().endswith(b"}")):
            raise errors.unreadable("JSON that is not whole")
    else:
        parsed_object(head, body)


def parsed_object(head: ResponseHead, body: bytes) -> Mapping[str, Any]:
    """The object in a body; it raises what `check_object` does."""
    try:
        value = loads(body)
    except ValueError as error:
        raise errors.unreadable("JSON that is not whole or not valid") from error
    if error_in(value) is not None:
        raise refusal(head, value, body)
    if not isinstance(value, dict):
        raise errors.no_completion("JSON that is no object")
    return value


def _joined(head: ResponseHead, stream: bytes, choices: int) -> bytes:
    relay = SseRelay(choices)
    kept = relay.feed(stream) + relay.finish()
    chunks = []
    for event in parse_events(kept):
        if not event.says_something:
            continue
        if (error := refused_by_event(head, event)) is not None:
            raise error
        chunks.append(loads(event.data))
    if not relay.whole:
        raise errors.unreadable("events that ended too early")
    if not chunks:
        raise errors.empty("events that say nothing")
    try:
        completion = join_chunks(chunk for chunk in chunks if isinstance(chunk, dict))
        if completion["choices"]:
            return dumps(completion)
    except RecursionError as error:
        raise errors.unreadable("events nested too deeply") from error
    raise errors.no_completion("events that are no chunks")
