"""Answer a request chunk by chunk."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from modegate.application.answering.complete_chat import noop
from modegate.application.answering.prepare_turn import PrepareTurn
from modegate.application.ports.answer_backend import CompletionBackend
from modegate.application.sessions.registry import SessionRegistry
from modegate.domain.answer.events import Chunk, Started
from modegate.domain.errors import BackendCrashedError
from modegate.domain.turn import ChatRequest, ClaudeTurn, Turn


@dataclass(frozen=True, slots=True)
class StreamedAnswer:
    """A stream that has begun: its first chunk is here, so its status is known."""

    turn: Turn
    first: Chunk
    rest: AsyncIterator[Chunk]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamChat:
    """The use case behind a request with `stream`."""

    prepare: PrepareTurn
    backend: CompletionBackend[Turn]
    sessions: SessionRegistry

    @asynccontextmanager
    async def __call__(
        self, request: ChatRequest, prepared: Callable[[Turn], None] = noop
    ) -> AsyncIterator[StreamedAnswer]:
        """Prepare the turn and await its first chunk; leaving the context ends all of it.

        `prepared` is told the turn before the backend is, for it may fail.

        Raises:
            GatewayError: on entering, the request was refused or the backend failed at once; from
                the chunks, the answer was cut.
        """
        async with self.prepare(request) as turn:
            prepared(turn)
            if isinstance(turn, ClaudeTurn):
                await self.sessions.reserve(turn.session)
            async with self.backend.stream(turn) as chunks:
                first = await _first_of(chunks)
                if not (isinstance(turn, ClaudeTurn) and isinstance(first, Started)):
                    yield StreamedAnswer(turn, first, chunks)
                    return
                await self.sessions.save(turn.session, first.cli_session_id)
                yield StreamedAnswer(turn, first, chunks)
            # Again, for the session has been used for as long as the stream took.
            await self.sessions.save(turn.session, first.cli_session_id)


async def _first_of(chunks: AsyncIterator[Chunk]) -> Chunk:
    try:
        return await anext(chunks)
    except StopAsyncIteration:
        raise BackendCrashedError("The backend ended its stream before it began.") from None
