"""Converts a complete answer according to its bytes; sans-I/O."""

from collections.abc import Mapping
from typing import Any

import orjson

from modegate.adapters.openai_sdk.answers.answer_kind import AnswerKind, kind_of, plain_start
from modegate.adapters.openai_sdk.answers.chunk_joining import join_chunks
from modegate.adapters.openai_sdk.answers.content_type import as_json
from modegate.adapters.openai_sdk.answers.lenient_json import dumps, loads
from modegate.adapters.openai_sdk.answers.refusals import refusal, refused_by_event
from modegate.adapters.openai_sdk.answers.sse_events import parse_events
from modegate.adapters.openai_sdk.answers.sse_relay import CHOICE, SseRelay
from modegate.adapters.openai_sdk.answers.upstream_errors import error_in
from modegate.adapters.openai_sdk.answers.usage.chunks import ChunkUsage
from modegate.adapters.openai_sdk.answers.usage.content import usage_in_body
from modegate.dialects.usage.answers import usage_of
from modegate.dialects.usage.reported import model_in, read_usage
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.routing.hints import hint_for
from modegate.domain.upstream_request import UpstreamRequest
from modegate.domain.upstream_response import ResponseHead, UpstreamResponse

# Up to this size the body is parsed to check that it is complete: 1 µs per KiB of text, 5 µs per
# KiB of log probabilities (orjson 3.13). Longer bodies are only searched for a choice, and their
# first and last byte are checked.
PARSED_BYTES = 64 * 1024
NO_CHOICE = "no choice"


def whole_answer(
    head: ResponseHead, body: bytes, *, says_events: bool, request: UpstreamRequest
) -> UpstreamResponse:
    """Returns the answer to a request without `stream`: JSON unchanged, or joined from events.

    Raises:
        UpstreamRefusalError: if the body is an error, whatever its status.
        UpstreamInvalidResponseError: if the body is anything else.
        EmptyResponseError: if the body is empty, or has no choice.
    """
    match kind_of(body, says_events=says_events, ended=True):
        case AnswerKind.JSON:
            check_object(head, body)
            request.on_usage(*usage_in_body(body, request.body_size))
            return UpstreamResponse(head.status, as_json(head), body)
        case AnswerKind.EVENTS:
            joined = _joined(head, plain_start(body), request)
            return UpstreamResponse(head.status, as_json(head), joined)
        case AnswerKind.NOTHING:
            raise errors.empty("an empty body")
        case kind:
            raise errors.no_completion(kind, hint_for(head.status, body))


def plain_answer(
    head: ResponseHead, body: bytes, request: UpstreamRequest
) -> UpstreamResponse | None:
    """Returns what `whole_answer` does if the body is clearly a completion, as nearly all are."""
    if len(body) > PARSED_BYTES:
        return None
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if isinstance(value, dict) and has_choice(value) and not value.get("error"):
        usage = read_usage(value.get("usage"))
        if usage is None or not usage.completion_tokens:
            usage = usage_of(value, request.body_size)
        request.on_usage(usage, model_in(value))
        return UpstreamResponse(head.status, as_json(head), body)
    return None


def check_object(head: ResponseHead, body: bytes) -> None:
    """Checks that a body is a JSON object with a choice.

    Raises:
        UpstreamRefusalError: if the body is an error.
        BadUpstreamResponseError: if the body is no JSON object.
        EmptyResponseError: if it has no choice.
    """
    if len(body) <= PARSED_BYTES:
        answered = has_choice(parsed_object(head, body))
    elif plain_start(body).startswith(b"{") and body.rstrip().endswith(b"}"):
        answered = CHOICE.search(body) is not None
    else:
        raise errors.invalid_json("incomplete JSON")
    if not answered:
        raise errors.empty(NO_CHOICE)


def has_choice(completion: Mapping[str, Any]) -> bool:
    """Returns whether a completion has a choice; its content may be empty."""
    choices = completion.get("choices")
    return isinstance(choices, list) and bool(choices)


def parsed_object(head: ResponseHead, body: bytes) -> Mapping[str, Any]:
    """Returns the object in a body.

    Raises:
        UpstreamRefusalError: if the body is an error.
        BadUpstreamResponseError: if the body is no JSON object.
    """
    try:
        value = loads(body)
    except ValueError as error:
        raise errors.invalid_json("incomplete or invalid JSON") from error
    if error_in(value) is not None:
        raise refusal(head, value, body)
    if not isinstance(value, dict):
        raise errors.no_completion("JSON that is no object")
    return value


def _joined(head: ResponseHead, stream: bytes, request: UpstreamRequest) -> bytes:
    relay = SseRelay(request.choices, ChunkUsage(request.body_size))
    kept = relay.feed(stream) + relay.finish()
    chunks = []
    for event in parse_events(kept):
        if not event.says_something:
            continue
        if (error := refused_by_event(head, event)) is not None:
            raise error
        chunks.append(loads(event.data))
    if relay.cut or (relay.spoke and not relay.whole):
        raise errors.unreadable("events that ended too early")
    try:
        completion = join_chunks(chunk for chunk in chunks if isinstance(chunk, dict))
        if completion["choices"]:
            request.on_usage(*relay.usage.total())
            return dumps(completion)
    except RecursionError as error:
        raise errors.invalid_json("events nested too deeply") from error
    raise errors.empty(NO_CHOICE)
