"""Converts the answer to a streamed request; its first bytes decide how."""

import asyncio
from collections.abc import AsyncGenerator, Callable

from modegate.adapters.openai_sdk.answers.answer_kind import AnswerKind, kind_of, plain_start
from modegate.adapters.openai_sdk.answers.chunk_splitting import split_completion
from modegate.adapters.openai_sdk.answers.complete_answer import (
    NO_CHOICE,
    has_choice,
    parsed_object,
)
from modegate.adapters.openai_sdk.answers.content_type import as_events
from modegate.adapters.openai_sdk.answers.lenient_json import dumps
from modegate.adapters.openai_sdk.answers.refusals import refused_by_event
from modegate.adapters.openai_sdk.answers.sse_events import parse_events
from modegate.adapters.openai_sdk.answers.sse_relay import SseRelay
from modegate.adapters.openai_sdk.reporting import reported
from modegate.adapters.openai_sdk.transport.body import AnswerBody
from modegate.adapters.openai_sdk.transport.response import Answer
from modegate.domain.errors import GatewayError, UpstreamRefusalError
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.routing.hints import hint_for
from modegate.domain.upstream_response import ResponseHead, UpstreamResponse
from modegate.lazy_dataclass import dataclass

# Seconds to hold back comments, because the first event decides the status. Comments also prevent
# timeouts of proxies and clients, which are 30 s or more.
HELD_COMMENTS_S = 5.0


@dataclass(frozen=True, slots=True)
class Begun:
    """A stream whose status is known, with the events received so far."""

    head: ResponseHead
    events: bytes
    relay: SseRelay


async def begin_stream(
    answer: Answer, relay: SseRelay, first_byte_came: Callable[[], None]
) -> Begun:
    """Reads the start of a stream, up to the first event that is not a heartbeat.

    The relay has seen nothing yet. A complete JSON answer is split into chunks. `first_byte_came` is called before reading it all.

    Raises:
        GatewayError: if the answer is an error, or neither events nor a completion.
    """
    kind, start = await _judged(answer)
    match kind:
        case AnswerKind.EVENTS:
            return await _begin_events(answer, start, relay)
        case AnswerKind.JSON:
            first_byte_came()
            return _taken_apart(answer.head, await answer.body.read_all(start), relay)
        case AnswerKind.NOTHING:
            raise errors.empty("an empty body")
        case _:
            raise errors.no_completion(kind, hint_for(answer.head.status, start))


async def events_of(begun: Begun, body: AnswerBody, silence: float) -> AsyncGenerator[bytes, None]:
    """Yields events as they arrive, without `[DONE]`; each wait is at most `silence` seconds.

    Raises:
        UpstreamRefusalError: if an event was an upstream error; it has been relayed.
        GatewayError: if the answer is incomplete.
    """
    relay = begun.relay
    if begun.events:
        yield begun.events
    body.bound_silence(silence)
    broken: GatewayError | None = None
    try:
        while not relay.done:
            piece = body.take()
            if piece is None:  # cheaper than `read`, which is another coroutine for each piece
                await body.arrival()
            elif not piece:
                break
            elif events := relay.feed(piece):
                yield events
    except TimeoutError:
        broken = errors.fell_silent()
    except GatewayError as error:
        broken = error
    if last := relay.finish():
        yield last
    with reported:
        _check_whole(begun.head, relay, broken)


def _check_whole(head: ResponseHead, relay: SseRelay, broken: GatewayError | None) -> None:
    if relay.failed:
        raise UpstreamRefusalError(UpstreamResponse(head.status, head.headers, b""))
    if not relay.whole:
        raise errors.stream_cut() if broken is None else broken
    if not relay.spoke:
        raise errors.empty(NO_CHOICE)


async def _judged(answer: Answer) -> tuple[AnswerKind, bytes]:
    start, ended = b"", False
    while True:
        piece = await answer.body.read()
        start, ended = start + piece, not piece
        kind = kind_of(start, says_events=answer.says_events, ended=ended)
        if kind is not AnswerKind.UNDECIDED:
            return kind, start


async def _begin_events(answer: Answer, start: bytes, relay: SseRelay) -> Begun:
    events = relay.feed(plain_start(start))
    _check_first(answer.head, events)
    if not relay.decided:
        events = await _up_to_the_first(answer, relay, events)
    if relay.done and not relay.spoke:
        raise errors.empty(NO_CHOICE)
    return _begun(answer.head, events, relay)


def _check_first(head: ResponseHead, events: bytes) -> None:
    """Raises an error if the stream starts with an error or with something other than a chunk."""
    if b'"choices"' in events and b"error" not in events:
        return  # the usual case; parsing would add 1 % to the cost of a stream
    for event in parse_events(events):
        if event.says_something:
            if (refusal := refused_by_event(head, event)) is not None:
                raise refusal
            return


async def _up_to_the_first(answer: Answer, relay: SseRelay, events: bytes) -> bytes:
    """Reads until a part of an answer arrives; all else is held back for a limited time."""
    loop = asyncio.get_running_loop()
    ended = False
    try:
        async with asyncio.timeout(HELD_COMMENTS_S if events else None) as held:
            while not relay.decided:
                piece = await answer.body.read()
                if not piece:
                    events, ended = events + relay.finish(), True
                    break
                events += relay.feed(piece)
                if events and held.when() is None:
                    held.reschedule(loop.time() + HELD_COMMENTS_S)
    except TimeoutError:
        if not held.expired():  # the bound on the first byte
            raise
    except GatewayError:  # the next read raises the same error
        events += relay.finish()
        if not relay.decided:
            _check_first(answer.head, events)
            raise
    _check_first(answer.head, events)
    if ended and not relay.decided:
        raise errors.unreadable("a cut event") if relay.cut else errors.empty(NO_CHOICE)
    return events


def _taken_apart(head: ResponseHead, body: bytes, relay: SseRelay) -> Begun:
    completion = parsed_object(head, body)
    if not has_choice(completion):
        raise errors.empty(NO_CHOICE)
    chunks = split_completion(completion)
    if not chunks:
        raise errors.no_completion("choices without a message")
    try:
        written = [b"data: %b\n\n" % dumps(chunk) for chunk in chunks]
    except RecursionError as error:
        raise errors.invalid_json("JSON nested too deeply") from error
    return _begun(head, relay.feed(b"".join((*written, b"data: [DONE]\n\n"))), relay)


def _begun(head: ResponseHead, events: bytes, relay: SseRelay) -> Begun:
    return Begun(ResponseHead(head.status, as_events(head)), events, relay)
