"""The step that makes all decisions about a turn."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from modegate.application.ports.clock import Clock
from modegate.application.ports.ids import IdGenerator
from modegate.application.ports.rate_limiter import RateLimiter
from modegate.application.sessions.registry import SessionRegistry
from modegate.dialects.chat.request import check_stream, include_usage, model_of
from modegate.domain.access.client import ClientId
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.configuration import Configuration
from modegate.domain.conversation.conversation import Conversation
from modegate.domain.conversation.prompt import Prompt, build_prompt
from modegate.domain.inbound_request import ChatBody
from modegate.domain.parameters.param_policy import Screening
from modegate.domain.quota import Quota
from modegate.domain.routing.route import ClaudeRoute
from modegate.domain.session import Session
from modegate.domain.turn import Turn


@dataclass(frozen=True, slots=True)
class PreparedTurn:
    """A turn for a backend, the frame for the renderer, and the remaining quota of the session."""

    turn: Turn
    frame: AnswerFrame
    quota: Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareTurn:
    """Prepares a frozen turn from a request; locks its session until the context is left."""

    sessions: SessionRegistry
    clock: Clock
    ids: IdGenerator
    limiter: RateLimiter

    @asynccontextmanager
    async def prepare(
        self,
        route: ClaudeRoute,
        body: ChatBody,
        client: ClientId,
        configuration: Configuration,
    ) -> AsyncIterator[PreparedTurn]:
        """Prepares the next turn of the route's session, or the first turn of a new session.

        Raises:
            RequestError: if the request is invalid, or the client has no such session.
            SessionBusyError: if another request is using the session.
            RateLimitError: if the session's rate limit is reached.
        """
        resume = route.session_id is not None
        asked = _parse(body, route, configuration, resume=resume)
        async with self._session(route.session_id, client, asked) as held:
            session = held.with_system_prompt(asked.prompt.system)
            quota = await self.limiter.record(configuration.per_session, session.id)
            turn = Turn(
                cli_model=asked.cli_model,
                prompt=Prompt(session.system_prompt, asked.prompt.text),
                session=session,
                resume=resume,
                effort=asked.screening.effort,
                streamed=body.streamed,
            )
            yield PreparedTurn(turn, self._frame(turn, asked), quota)

    def _frame(self, turn: Turn, asked: "_ParsedBody") -> AnswerFrame:
        return AnswerFrame(
            completion_id=self.ids.completion_id(),
            created=int(self.clock.time_of_day()),
            model=asked.model,
            session_id=turn.session.id,
            new_session=not turn.resume,
            include_usage=asked.include_usage,
            ignored=asked.screening.ignored,
        )

    def _session(
        self, session_id: str | None, client: ClientId, asked: "_ParsedBody"
    ) -> AbstractAsyncContextManager[Session]:
        if session_id is None:
            return self.sessions.start(client, asked.cli_model, asked.screening.effort)
        return self.sessions.resume(session_id, client)


@dataclass(frozen=True, slots=True)
class _ParsedBody:
    """The validated parts of a body, before its session is known."""

    model: str
    cli_model: str
    include_usage: bool
    screening: Screening
    prompt: Prompt


def _parse(
    body: ChatBody, route: ClaudeRoute, configuration: Configuration, *, resume: bool
) -> _ParsedBody:
    """Validates a body in the order in which clients get its errors."""
    params = body.params
    check_stream(params)
    with_usage = include_usage(params)
    screening = configuration.parameters.screen(params)
    model = model_of(params)
    cli_model = route.models.resolve(model)
    prompt = build_prompt(Conversation.parse(params.get("messages")), resume=resume)
    return _ParsedBody(model, cli_model, with_usage, screening, prompt)
