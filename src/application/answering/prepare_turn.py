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
from modegate.domain.conversation import Conversation
from modegate.domain.inbound_request import ChatBody
from modegate.domain.param_policy import Effort
from modegate.domain.prompt import Prompt, build_prompt
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
        params = body.params
        check_stream(params)
        with_usage = include_usage(params)
        screening = configuration.parameters.screen(params)
        model = model_of(params)
        cli_model = route.models.resolve(model)
        resume = route.session_id is not None
        prompt = build_prompt(Conversation.parse(params.get("messages")), resume=resume)
        async with self._session(route.session_id, client, cli_model, screening.effort) as held:
            session = held.with_system_prompt(prompt.system)
            quota = await self.limiter.record(configuration.per_session, session.id)
            yield PreparedTurn(
                Turn(
                    cli_model=cli_model,
                    prompt=Prompt(session.system_prompt, prompt.text),
                    session=session,
                    resume=resume,
                    effort=screening.effort,
                    streamed=body.streamed,
                ),
                AnswerFrame(
                    completion_id=self.ids.completion_id(),
                    created=int(self.clock.time_of_day()),
                    model=model,
                    session_id=session.id,
                    new_session=not resume,
                    include_usage=with_usage,
                    ignored=screening.ignored,
                ),
                quota,
            )

    def _session(
        self, session_id: str | None, client: ClientId, cli_model: str, effort: Effort | None
    ) -> AbstractAsyncContextManager[Session]:
        if session_id is None:
            return self.sessions.start(client, cli_model, effort)
        return self.sessions.resume(session_id, client)
