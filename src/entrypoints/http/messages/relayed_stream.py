"""Encodes the body of a relayed answer, and reports where it was cut."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Protocol

from modegate.dialects.dialect import ErrorFacts
from modegate.dialects.sse import event
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import upstream as errors
from modegate.entrypoints.http.messages.errors import stream_error, stream_facts

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


class ObservedEvents(Protocol):
    """Observes a stream that has an end of its own."""

    @property
    def is_complete(self) -> bool:
        """Whether the end has come."""
        ...

    def note(self, events: bytes) -> None:
        """Accepts whole events as they pass."""
        ...

    def cut(self, error: ErrorFacts) -> bytes:
        """Returns the last event of a stream that was cut."""
        ...


async def encode_observed(
    pieces: Pieces, failed: Failed, events: ObservedEvents
) -> AsyncGenerator[bytes, None]:
    """Yields events as they come, and an error event in the form of their API if the end is missing."""
    try:
        async for piece in pieces:
            events.note(piece)
            yield piece
        if not events.is_complete:
            raise errors.stream_cut()
    except GatewayError as error:
        failed(error.code)
        yield events.cut(stream_facts(error))


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
