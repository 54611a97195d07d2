"""The events of a translated answer, as they arrive from the upstream."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import replace
from itertools import groupby

from modegate.dialects.upstream_dialect import AnswerReader
from modegate.domain.answer.events import AnswerEvent, Finished, TextDelta
from modegate.domain.errors import UpstreamRefusalError
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.upstream_response import MAX_ANSWER_BYTES, UpstreamResponse


async def after(
    first: Sequence[AnswerEvent], batches: AsyncIterator[Sequence[AnswerEvent]]
) -> AsyncGenerator[Sequence[AnswerEvent], None]:
    """Yields the first batch, unless it is empty, and all others."""
    if first:
        yield first
    async for batch in batches:
        yield batch


async def one_batch(
    batch: Sequence[AnswerEvent],
) -> AsyncGenerator[Sequence[AnswerEvent], None]:
    """Yields the events of a complete answer."""
    yield batch


async def mapped(
    batches: AsyncIterator[Sequence[AnswerEvent]],
    change: Callable[[Sequence[AnswerEvent]], Sequence[AnswerEvent]],
) -> AsyncGenerator[Sequence[AnswerEvent], None]:
    """Yields all batches, each of them changed."""
    async for batch in batches:
        yield change(batch)


async def flat(batches: AsyncIterator[Sequence[AnswerEvent]]) -> AsyncIterator[AnswerEvent]:
    """Yields the events of all batches."""
    async for batch in batches:
        for event in batch:
            yield event


async def streamed_batches(
    response: UpstreamResponse, reader: AnswerReader, prompt_tokens: int
) -> AsyncGenerator[Sequence[AnswerEvent], None]:
    """Yields the events of a stream, those together that come together; never an empty batch.

    Raises:
        GatewayError: the stream was cut, or reports an error.
    """
    try:
        if isinstance(response.body, bytes):
            if events := reader.feed(response.body):
                yield with_prompt(_joined(events), prompt_tokens)
        else:
            async for piece in response.body:
                if events := reader.feed(piece):
                    yield with_prompt(_joined(events), prompt_tokens)
    except UpstreamRefusalError:
        reader.end()  # raises what the event says, which has no form in the client's dialect
        raise errors.stream_cut() from None
    if events := reader.end():
        yield with_prompt(events, prompt_tokens)


def _joined(events: Sequence[AnswerEvent]) -> Sequence[AnswerEvent]:
    """Returns the events with neighbouring texts as one: to write each costs as much as to read it."""
    if len(events) == 1:
        return events
    joined: list[AnswerEvent] = []
    for is_text, group in groupby(events, lambda it: isinstance(it, TextDelta)):
        if is_text:
            joined.append(TextDelta("".join(it.text for it in group if isinstance(it, TextDelta))))
        else:
            joined += group
    return joined


def with_prompt(events: Sequence[AnswerEvent], tokens: int) -> Sequence[AnswerEvent]:
    """Returns the events; an estimated usage has the tokens of the prompt, too."""
    last = events[-1]
    if isinstance(last, Finished) and last.usage.estimated and not last.usage.prompt_tokens:
        usage = replace(last.usage, prompt_tokens=tokens)
        return [*events[:-1], replace(last, usage=usage)]
    return events


async def content_of(response: UpstreamResponse) -> bytes:
    """Returns the body as a whole.

    Raises:
        OutputLimitError: it exceeds `MAX_ANSWER_BYTES`.
    """
    if isinstance(response.body, bytes):
        return response.body
    pieces: list[bytes] = []
    size = 0
    async for piece in response.body:
        pieces.append(piece)
        size += len(piece)
        if size > MAX_ANSWER_BYTES:
            raise errors.answer_too_long(MAX_ANSWER_BYTES)
    return b"".join(pieces)
