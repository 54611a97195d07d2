"""Reads the body of an answer, and decodes its content codings."""

from collections.abc import Awaitable, Sequence

from modegate.adapters.openai_sdk.transport.content_coding import Decoder, decoder_for
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.upstream_response import MAX_ANSWER_BYTES
from modegate.http_client.connections.exchange import Exchange
from modegate.http_client.errors import InvalidResponseError


class AnswerBody:
    """Reads one body piece by piece; `codings` are its content codings.

    After the answer's head, failures are not connection errors: `read` raises its own errors.
    """

    def __init__(self, exchange: Exchange, codings: Sequence[str]) -> None:
        self._exchange = exchange
        self._codings = codings
        self.is_encoded = bool(codings)
        self._decoder: Decoder | None = None

    @property
    def ended(self) -> bool:
        """Whether the body has been read completely and needs no further check."""
        return self._exchange.ended and self._decoder is None

    def take_whole(self) -> bytes | None:
        """Returns the whole body, if all of it has arrived and it needs no decoding; else None."""
        return None if self._codings else self._exchange.take_whole()

    def bound_silence(self, seconds: float) -> None:
        """Bounds each further wait by itself, and no longer the whole."""
        self._exchange.deadlines.whole_at = None
        self._exchange.deadlines.silence_s = seconds

    def read(self) -> Awaitable[bytes]:
        """Waits for data and returns it; empty at the end of the body.

        Raises:
            UpstreamInvalidResponseError: if the body is truncated or cannot be decoded.
            TimeoutError: if a time bound expired.
        """
        if self._codings or self._decoder is not None:
            return self._read_decoded()
        return self._read_plain()

    async def read_all(self, begun: bytes = b"") -> bytes:
        """Returns `begun`, the part read before, followed by the rest of the body.

        Raises:
            UpstreamInvalidResponseError: if the body is truncated or cannot be decoded.
            OutputLimitError: if the body exceeds `MAX_ANSWER_BYTES`.
            TimeoutError: if a time bound expired.
        """
        pieces, size = [begun], len(begun)
        while piece := await self.read():
            pieces.append(piece)
            size += len(piece)
            if size > MAX_ANSWER_BYTES:
                raise errors.answer_too_long(MAX_ANSWER_BYTES)
        return b"".join(pieces)

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
            return await self._exchange.read()
        except InvalidResponseError as error:
            raise errors.unreadable(f"malformed body ({error})") from error
