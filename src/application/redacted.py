"""Claude's answers without credentials."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace

from modegate.application.ports.backend import CompletionBackend
from modegate.domain.completion import Answer, Chunk, Completion, Finished, TextDelta
from modegate.domain.redaction import Redactor, redact
from modegate.domain.turn import ClaudeTurn


@dataclass(frozen=True, slots=True)
class Redacted:
    """A backend whose texts are another's, redacted."""

    backend: CompletionBackend[ClaudeTurn]

    async def complete(self, turn: ClaudeTurn) -> Answer:
        """The whole answer."""
        answer = await self.backend.complete(turn)
        if isinstance(answer, Completion):
            return replace(answer, text=redact(answer.text))
        return answer

    @asynccontextmanager
    async def stream(self, turn: ClaudeTurn) -> AsyncIterator[AsyncIterator[Chunk]]:
        """The chunks as they come; of the text, what may yet be a credential waits."""
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
