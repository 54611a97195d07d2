"""Reads the body of an answer, and decodes its content codings."""

from collections.abc import Awaitable, Callable, Sequence

from modegate.adapters.openai_sdk.transport.content_coding import Decoder, decoder_for
from modegate.domain.errors.catalogue import upstream as errors
from modegate.domain.upstream_response import MAX_ANSWER_BYTES
from modegate.http_client.connections.exchange import Exchange
from modegate.http_client.errors import InvalidResponseError


class DecodedPieces:
    """Decodes a body whose `codings` are named, as it arrives."""

    def __init__(self, exchange: Exchange, codings: Sequence[str]) -> None:
        self._exchange = exchange
        self._codings = codings
        self._decoder: Decoder | None = None

    @property
    def is_plain(self) -> bool:
        """Whether nothing has to be decoded so far."""
        return self._decoder is None

    def take(self) -> bytes | None:
        """Returns what has arrived, decoded; empty at the end, None if more has to arrive first.

        Raises:
            UpstreamInvalidResponseError: if it cannot be decoded.
        """
        self._decoder, self._codings = self._decoder or decoder_for(self._codings), ()
        if self._decoder is None:  # the codings name none
            return self._exchange.take()
        while data := self._exchange.take():
            if plain := self._decoder.feed(data):
                return plain
        if data is not None:
            self._decoder.finish()
        return data


class AnswerBody:
    """Reads one body piece by piece; `codings` are its content codings.

    After the answer's head, failures are not connection errors: `read` raises its own errors.
    """

    def __init__(self, exchange: Exchange, codings: Sequence[str]) -> None:
        self._exchange = exchange
        self._decoded = DecodedPieces(exchange, codings) if codings else None
        # Returns what has arrived; empty at the end, None if `arrival` is to be awaited. Raises
        # UpstreamInvalidResponseError if that cannot be decoded.
        self.take: Callable[[], bytes | None] = (self._decoded or exchange).take

    @property
    def is_encoded(self) -> bool:
        """Whether the body has content codings."""
        return self._decoded is not None

    @property
    def ended(self) -> bool:
        """Whether the body has been read completely and needs no further check."""
        return self._exchange.ended and (self._decoded is None or self._decoded.is_plain)

    def take_whole(self) -> bytes | None:
        """Returns the whole body, if all of it has arrived and it needs no decoding; else None."""
        return None if self.is_encoded else self._exchange.take_whole()

    def bound_silence(self, seconds: float) -> None:
        """Bounds each further wait by itself, and no longer the whole."""
        self._exchange.deadlines.whole_at = None
        self._exchange.deadlines.silence_s = seconds

    async def read(self) -> bytes:
        """Waits for data and returns it; empty at the end of the body.

        Raises:
            UpstreamInvalidResponseError: if the body is truncated or cannot be decoded.
            TimeoutError: if a time bound expired.
        """
        while (data := self.take()) is None:
            await self.arrival()
        return data

    def arrival(self) -> Awaitable[None]:
        """Returns what to await until `take` returns more, or this method raises why there is none.

        Raises:
            UpstreamInvalidResponseError: if the body is truncated.
            TimeoutError: if a time bound expired.
        """
        try:
            return self._exchange.arrival()
        except InvalidResponseError as error:
            raise errors.unreadable(f"malformed body ({error})") from error

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
