"""Dispatch of turns to the backend of their mode."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from modegate.application.ports.answer_backend import CompletionBackend
from modegate.domain.answer.events import Answer, Chunk
from modegate.domain.turn import ClaudeTurn, PassthroughTurn, Turn


@dataclass(frozen=True, slots=True)
class Backends:
    """A backend for all turns, which dispatches each by its type."""

    claude: CompletionBackend[ClaudeTurn]
    passthrough: CompletionBackend[PassthroughTurn]

    async def complete(self, turn: Turn) -> Answer:
        """Returns the complete answer of the turn's backend."""
        if isinstance(turn, ClaudeTurn):
            return await self.claude.complete(turn)
        return await self.passthrough.complete(turn)

    def stream(self, turn: Turn) -> AbstractAsyncContextManager[AsyncIterator[Chunk]]:
        """Opens the stream of the turn's backend."""
        if isinstance(turn, ClaudeTurn):
            return self.claude.stream(turn)
        return self.passthrough.stream(turn)
