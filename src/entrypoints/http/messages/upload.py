"""Reads the body of a request while it arrives, and finds the model in a form."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any

from modegate.dialects.forms import FormField, find_model
from modegate.domain.inbound_call import Upload
from modegate.domain.upstream_request import BodyStream
from modegate.entrypoints.http.messages.request_body import MIB, too_large

# The model of a form is searched in so many bytes.
SEARCHED_BYTES = MIB
FORM_TYPES = ("multipart/form-data", "application/x-www-form-urlencoded")

Receive = Callable[[], Awaitable[Mapping[str, Any]]]


class ClientLeftError(Exception):
    """The client disconnected before the end of its body."""


async def read_upload(
    receive: Receive, content_type: str, declared: int | None, limit: int
) -> Upload:
    """Returns the body, of which only the part is read in which the model may be.

    Raises:
        PayloadTooLargeError: the declared length exceeds `limit` bytes; raised from the body if
            the received length does.
    """
    if declared is not None and declared > limit:
        raise too_large(limit)
    pieces = _pieces_of(receive, limit)
    if not content_type.lower().startswith(FORM_TYPES):
        return Upload(BodyStream(pieces, declared))
    begun, ended, found = bytearray(), False, None
    while found is None and not ended and len(begun) < SEARCHED_BYTES:
        piece = await anext(pieces, None)
        ended = piece is None
        begun += piece or b""
        found = find_model(content_type, bytes(begun), ended=ended)
    if found is None:
        return Upload(BodyStream(_joined(bytes(begun), pieces), declared))
    return _with_field(bytes(begun), pieces, declared, found)


def _with_field(
    begun: bytes, rest: AsyncGenerator[bytes, None], declared: int | None, field: FormField
) -> Upload:
    def with_model(name: str) -> BodyStream:
        value = field.encode(name)
        changed = begun[: field.start] + value + begun[field.end :]
        length = None if declared is None else declared + len(changed) - len(begun)
        return BodyStream(_joined(changed, rest), length)

    return Upload(BodyStream(_joined(begun, rest), declared), field.value, with_model)


async def _joined(begun: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    if begun:
        yield begun
    async for piece in rest:
        yield piece


async def _pieces_of(receive: Receive, limit: int) -> AsyncGenerator[bytes, None]:
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            await asyncio.sleep(0)  # the request is being cancelled
            raise ClientLeftError
        piece = message.get("body", b"")
        size += len(piece)
        if size > limit:
            raise too_large(limit)
        if piece:
            yield piece
        more = message.get("more_body", False)
