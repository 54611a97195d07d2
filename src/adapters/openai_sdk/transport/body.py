"""The body of an answer, read whatever state its connection is in."""

from collections.abc import Callable
from contextlib import suppress

import aiohttp
from aiohttp.client_proto import ResponseHandler

from modegate.adapters.openai_sdk import errors
from modegate.adapters.openai_sdk.transport.content_coding import (
    MAX_ANSWER_BYTES,
    Decoder,
    decoder_for,
)


class WatchedConnection(ResponseHandler):
    """A connection that reports its failures to the reader of the body.

    The library's C parser closes the connection when the framing of a body breaks, and leaves the
    body's reader waiting without any timeout (aiohttp 3.14: `HttpParser.feed_data` forgets the body
    before it raises, so neither `connection_lost` nor `sock_read` reach the reader).
    """

    on_failure: Callable[[], None] | None = None

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """Note that the connection failed, or was lost."""
        if isinstance(exc, aiohttp.ServerDisconnectedError) and self._has_begun_an_answer():
            exc = aiohttp.ClientPayloadError("half a head")
        if exc_cause is None:
            super().set_exception(exc)
        else:
            super().set_exception(exc, exc_cause)
        if self.on_failure is not None:
            self.on_failure()

    def _has_begun_an_answer(self) -> bool:
        """Only the library's Python parser does not say so by itself."""
        return any(getattr(self._parser, name, None) for name in ("_tail", "_lines"))


class AnswerBody:
    """Reads one body piece by piece, without its content codings.

    Once the answer's head is here, a failure is no connection error: `read` raises what says so.
    """

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._content = response.content
        self._codings = response.headers.getall("content-encoding", ())
        self._decoder: Decoder | None = None
        self._broken = False
        self._connection: WatchedConnection | None = None
        connection = response.connection  # None where all of the body is here
        if connection is not None and isinstance(connection.protocol, WatchedConnection):
            self._connection = connection.protocol
            self._connection.on_failure = self._fail
            if self._connection.exception() is not None:
                self._fail()

    @property
    def ended(self) -> bool:
        """Whether all of it has been read, and nothing of it is left to check."""
        return self._content.at_eof() and self._decoder is None and not self._broken

    async def read(self) -> bytes:
        """What has come, once something has; empty at the end.

        Raises:
            UpstreamInvalidResponseError: the body broke off, or cannot be decoded.
        """
        if self._codings or self._decoder is not None:
            return await self._read_decoded()
        return await self._read_plain()

    async def read_all(self, begun: bytes = b"") -> bytes:
        """All that follows, behind what has been read already.

        Raises:
            UpstreamInvalidResponseError: as `read`.
            OutputLimitError: it is longer than any answer may be.
        """
        pieces, size = [begun], len(begun)
        while piece := await self.read():
            pieces.append(piece)
            size += len(piece)
            if size > MAX_ANSWER_BYTES:
                raise errors.answer_too_long(MAX_ANSWER_BYTES)
        return b"".join(pieces)

    def close(self) -> None:
        """Stop watching the connection, which may serve another request next."""
        if self._connection is not None and self._connection.on_failure == self._fail:
            self._connection.on_failure = None  # else another request has it already
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
        except Exception as error:  # no state of the library may look like a fault of ours
            if left := self._left():
                return left  # the next read fails in the same way
            raise errors.unreadable(f"it broke off ({type(error).__name__})") from error
        if self._broken and not data:
            raise errors.unreadable("its framing broke")
        return data

    def _left(self) -> bytes:
        """What came before a failure; the library has no public way to it."""
        with suppress(Exception):
            return self._content._read_nowait(-1)  # noqa: SLF001
        return b""

    def _fail(self) -> None:
        """End the body where the library would leave its reader waiting."""
        if not self._content.is_eof() and self._content.exception() is None:
            self._broken = True
            self._content.feed_eof()
