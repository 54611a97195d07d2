"""Encodes the body of a relayed answer, and reports where it was cut."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable

from modegate.dialects.responses.relayed_stream import ResponsesEvents
from modegate.dialects.sse import event
from modegate.domain.errors import GatewayError, StreamCutError
from modegate.domain.errors.catalogue import upstream as errors
from modegate.entrypoints.http.messages.errors import stream_error, stream_message

Pieces = AsyncIterator[bytes]
Failed = Callable[[str], None]


class ResponseCutError(Exception):
    """The response cannot be completed, so its connection has to be closed."""


async def encode_events(pieces: Pieces, failed: Failed) -> AsyncGenerator[bytes, None]:
    """Yields events as they come, and an error event where they were cut.

    `failed` is called with the error's code.
    """
    try:
        async for piece in pieces:
            yield piece
    except GatewayError as error:
        failed(error.code)
        yield b"event: error\n" + event(stream_error(error))


async def encode_responses(
    pieces: Pieces, failed: Failed, events: ResponsesEvents
) -> AsyncGenerator[bytes, None]:
    """Yields the events of a response as they come, and an error event if its end is missing."""
    try:
        async for piece in pieces:
            events.note(piece)
            yield piece
        if not events.is_complete:
            raise errors.stream_cut()
    except GatewayError as error:
        failed(error.code)
        yield cut_of_response(events, error)


def cut_of_response(events: ResponsesEvents, error: GatewayError) -> bytes:
    """Returns the last event of a response's stream that was cut."""
    return events.error(stream_message(error), StreamCutError.code)


async def encode_content(pieces: Pieces, failed: Failed) -> AsyncGenerator[bytes, None]:
    """Yields any other content as it comes.

    Raises:
        ResponseCutError: if it was cut, because bytes have no form for an error.
    """
    try:
        async for piece in pieces:
            yield piece
    except GatewayError as error:
        failed(error.code)
        raise ResponseCutError from error
