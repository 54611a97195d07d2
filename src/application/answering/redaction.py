"""Redaction of credentials in Claude's answers."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

from modegate.application.ports.answer_backend import CompletionBackend
from modegate.domain.answer.events import Answer, Chunk, Completion, Finished, TextDelta
from modegate.domain.secrets.redactor import Redactor, redact
from modegate.domain.turn import ClaudeTurn


@dataclass(frozen=True, slots=True)
class RedactingBackend:
    """Wraps a backend and redacts the text of its answers."""

    backend: CompletionBackend[ClaudeTurn]

    async def complete(self, turn: ClaudeTurn) -> Answer:
        """Returns the complete answer, redacted."""
        answer = await self.backend.complete(turn)
        if isinstance(answer, Completion):
            return replace(answer, text=redact(answer.text))
        return answer

    @asynccontextmanager
    async def stream(self, turn: ClaudeTurn) -> AsyncIterator[AsyncIterator[Chunk]]:
        """Opens a redacted stream; text that may still turn out to be a credential is held back."""
        async with self.backend.stream(turn) as chunks, aclosing(_redacted(chunks)) as redacted:
            yield redacted


async def _redacted(chunks: AsyncIterator[Chunk]) -> AsyncGenerator[Chunk, None]:
    redactor = Redactor()
    async for chunk in chunks:
        if isinstance(chunk, TextDelta):
            if text := redactor.feed(chunk.text):
                yield TextDelta(text)
            continue
        if isinstance(chunk, Finished) and (text := redactor.flush()):
            yield TextDelta(text)
        yield chunk
