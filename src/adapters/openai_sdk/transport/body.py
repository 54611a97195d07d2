"""Reads the body of an answer in any state of its connection."""

from collections.abc import Callable
from contextlib import suppress

import aiohttp
from aiohttp.client_proto import ResponseHandler

from modegate.adapters.openai_sdk.transport.content_coding import (
    MAX_ANSWER_BYTES,
    Decoder,
    decoder_for,
)
from modegate.domain.errors.catalogue import upstream as errors


class WatchedConnection(ResponseHandler):
    """A connection that reports its failures to the reader of the body.

    On invalid framing, aiohttp's C parser closes the connection, but the reader waits forever.
    In aiohttp 3.14, `HttpParser.feed_data` drops its reference to the body before it raises.
    Therefore neither `connection_lost` nor the `sock_read` timeout reaches the reader.
    """

    on_failure: Callable[[], None] | None = None

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """Notifies the reader that the connection failed or was lost."""
        if isinstance(exc, aiohttp.ServerDisconnectedError) and self._has_begun_an_answer():
            exc = aiohttp.ClientPayloadError("half a head")
        if exc_cause is None:
            super().set_exception(exc)
        else:
            super().set_exception(exc, exc_cause)
        if self.on_failure is not None:
            self.on_failure()

    def _has_begun_an_answer(self) -> bool:
        """Returns whether part of a head arrived; aiohttp's Python parser does not report it."""
        return any(getattr(self._parser, name, None) for name in ("_tail", "_lines"))


class AnswerBody:
    """Reads one body piece by piece, and decodes its content codings.

    After the answer's head, failures are not connection errors: `read` raises its own errors.
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._content = response.content
        self._codings = response.headers.getall("content-encoding", ())
        self._decoder: Decoder | None = None
        self._broken = False
        self._connection: WatchedConnection | None = None
        connection = response.connection  # None if the complete body has arrived
        if connection is not None and isinstance(connection.protocol, WatchedConnection):
            self._connection = connection.protocol
            self._connection.on_failure = self._fail
            if self._connection.exception() is not None:
                self._fail()

    @property
    def ended(self) -> bool:
        """Whether the body has been read completely and needs no further check."""
        return self._content.at_eof() and self._decoder is None and not self._broken

    async def read(self) -> bytes:
        """Waits for data and returns it; empty at the end of the body.

        Raises:
            UpstreamInvalidResponseError: if the body is truncated or cannot be decoded.
        """
        if self._codings or self._decoder is not None:
            return await self._read_decoded()
        return await self._read_plain()

    async def read_all(self, begun: bytes = b"") -> bytes:
        """Returns `begun`, the part read before, followed by the rest of the body.

        Raises:
            UpstreamInvalidResponseError: if the body is truncated or cannot be decoded.
            OutputLimitError: if the body exceeds `MAX_ANSWER_BYTES`.
        """
        pieces, size = [begun], len(begun)
        while piece := await self.read():
            pieces.append(piece)
            size += len(piece)
            if size > MAX_ANSWER_BYTES:
                raise errors.answer_too_long(MAX_ANSWER_BYTES)
        return b"".join(pieces)

    def close(self) -> None:
        """Stops watching the connection, which may be reused for another request."""
        if self._connection is not None and self._connection.on_failure == self._fail:
            self._connection.on_failure = None  # unless another request already uses it
        self._connection = None

    async def _read_decoded(self) -> bytes:
        self._decoder, self._codings = self._decoder or decoder_for(self._codings), ()
        if self._decoder is None:
            return await self._read_plain()
        while data := await self._read_plain():
            if plain := self._decoder.feed(data):
                return plain
        self._decoder.finish()
        return b""

    async def _read_plain(self) -> bytes:
        try:
            data = await self._content.readany()
        except Exception as error:  # no state of the library may appear as an internal error
            if left := self._left():
                return left  # the next read raises the error
            raise errors.unreadable(f"truncated body ({type(error).__name__})") from error
        if self._broken and not data:
            raise errors.unreadable("invalid framing")
        return data

    def _left(self) -> bytes:
        """Returns the data received before a failure; aiohttp has no public API for it."""
        with suppress(Exception):
            return self._content._read_nowait(-1)  # noqa: SLF001
        return b""

    def _fail(self) -> None:
        """Ends the body, because aiohttp would leave its reader waiting."""
        if not self._content.is_eof() and self._content.exception() is None:
            self._broken = True
            self._content.feed_eof()
