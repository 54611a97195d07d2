"""Answer a request as a whole."""

from collections.abc import Callable
from dataclasses import dataclass

from modegate.application.answering.prepare_turn import PrepareTurn
from modegate.application.ports.answer_backend import CompletionBackend
from modegate.application.sessions.registry import SessionRegistry
from modegate.domain.answer.events import Answer, Completion
from modegate.domain.turn import ChatRequest, ClaudeTurn, Turn


def noop(_: Turn) -> None:
    """Who does not want to know the turn."""


@dataclass(frozen=True, slots=True)
class WholeAnswer:
    """An answer, and the turn that it belongs to."""

    turn: Turn
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteChat:
    """The use case behind a request without `stream`."""

    prepare: PrepareTurn
    backend: CompletionBackend[Turn]
    sessions: SessionRegistry

    async def __call__(
        self, request: ChatRequest, prepared: Callable[[Turn], None] = noop
    ) -> WholeAnswer:
        """Prepare the turn, have it answered, and remember its session.

        `prepared` is told the turn before the backend is, for it may fail.

        Raises:
            GatewayError: the request was refused, or the backend failed.
        """
        async with self.prepare(request) as turn:
            prepared(turn)
            if isinstance(turn, ClaudeTurn):
                await self.sessions.reserve(turn.session)
            answer = await self.backend.complete(turn)
            if isinstance(turn, ClaudeTurn) and isinstance(answer, Completion):
                await self.sessions.save(turn.session, answer.cli_session_id)
            return WholeAnswer(turn, answer)
