"""Reads the streamed answer of an upstream."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

import orjson

from modegate.dialects.usage.reported import model_in
from modegate.domain.request_record import RequestRecord
from modegate.entrypoints.gateway.answers import Answer, StreamEvent, relayed_answer

DATA = b"data:"


class RelayedStream:
    """Reads the chunks of an answer, and folds them to the complete one."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._reason: str | None = None
        self._last: dict[str, Any] = {}
        self._whole = b""

    async def events(self, body: bytes | AsyncIterator[bytes]) -> AsyncGenerator[StreamEvent, None]:
        """Yields an event for each chunk; none, if the upstream answered at once."""
        if isinstance(body, bytes):
            self._whole = body
            return
        async for piece in body:
            for chunk in _chunks(piece):
                self._last = chunk
                text, reason = _first_choice(chunk)
                self._reason = reason or self._reason
                self._texts.append(text)
                yield StreamEvent(text, chunk)

    def answer(self, record: RequestRecord) -> Answer:
        """Returns the complete answer; the record has the usage once the response is closed."""
        if self._whole:
            return relayed_answer(self._whole, record)
        return Answer(
            text="".join(self._texts),
            finish_reason=self._reason,
            usage=record.usage,
            model=model_in(self._last) or record.model or "",
            cost_usd=record.cost_usd,
            request_id=record.request_id or "",
            raw=self._last,
        )


def _chunks(piece: bytes) -> Iterator[dict[str, Any]]:
    for line in piece.splitlines():
        if line.startswith(DATA):
            try:
                chunk = orjson.loads(line[len(DATA) :])
            except orjson.JSONDecodeError:
                continue
            if isinstance(chunk, dict):
                yield chunk


def _first_choice(chunk: dict[str, Any]) -> tuple[str, str | None]:
    """Returns the text and the finish reason of the first choice."""
    for choice in chunk.get("choices") or ():
        if choice.get("index", 0) == 0:
            text = (choice.get("delta") or {}).get("content")
            return text if isinstance(text, str) else "", choice.get("finish_reason")
    return "", None
