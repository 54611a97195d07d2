"""The step that makes all decisions about a turn."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from modegate.application.answering.fetch_images import FetchImages
from modegate.application.answering.kept_responses import KeptResponses
from modegate.application.answering.prepared_turn import PreparedTurn
from modegate.application.ports.clock import Clock
from modegate.application.ports.ids import IdGenerator
from modegate.application.ports.rate_limiter import RateLimiter
from modegate.application.sessions.registry import SessionRegistry
from modegate.application.sessions.results_session import ResultsSession
from modegate.dialects.dialect import Dialect
from modegate.dialects.tools_size import check_tools_size
from modegate.domain.access.client import ClientId
from modegate.domain.answer.frame import AnswerFrame
from modegate.domain.configuration import Configuration
from modegate.domain.conversation.history import next_turn
from modegate.domain.conversation.prompt import Prompt, build_prompt, encodable
from modegate.domain.errors.catalogue import parameters
from modegate.domain.generation_request import GenerationRequest
from modegate.domain.inbound_request import ChatBody
from modegate.domain.routing.route import ClaudeRoute
from modegate.domain.session import Session, history_key
from modegate.domain.tools.tool_results import LastResults
from modegate.domain.turn import Turn
from modegate.domain.usage.estimates import estimated_tokens
from modegate.lazy_dataclass import dataclass

# Seconds for which results wait until the answer with their calls has ended: a client has the calls
# before the stream's end, and may send the results at once, to any gateway.
RESULTS_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class _Held:
    """The locked session of a turn, and what it is asked; `resume` is whether it had turns."""

    session: Session
    prompt: Prompt
    resume: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareTurn:
    """Prepares a frozen turn from a request; locks its session until the context is left."""

    sessions: SessionRegistry
    clock: Clock
    ids: IdGenerator
    limiter: RateLimiter
    responses: KeptResponses
    fetch_images: FetchImages
    results: ResultsSession

    @asynccontextmanager
    async def prepare(
        self,
        route: ClaudeRoute,
        body: ChatBody,
        client: ClientId,
        configuration: Configuration,
        dialect: Dialect,
    ) -> AsyncIterator[PreparedTurn]:
        """Prepares the next turn of the route's session, or the first turn of a new session.

        Raises:
            RequestError: if the request is invalid, or the client has no such session or response.
            SessionBusyError: if another request is using the session; results wait for it a little.
            RateLimitError: if the session's rate limit is reached.
        """
        check_tools_size(body.content)
        params = await self.responses.with_items(body.params, client)
        parsed = dialect.parse(params, configuration.parameters, configuration.media)
        if parsed.tools is not None and configuration.parameters.rejects_tools:
            raise parameters.unsupported("tools")
        asked = await self.responses.continued(parsed, client)
        conversation = await self.fetch_images.execute(asked.conversation, configuration.media)
        cli_model = route.models.resolve(asked.model)
        fetched = replace(asked, conversation=conversation)
        may_go_on = configuration.continues_by_history and not route.anew
        async with self._session(route, client, cli_model, fetched, may_go_on=may_go_on) as held:
            resume, prompt = held.resume, held.prompt
            session = held.session.with_system_prompt(prompt.system)
            quota = await self.limiter.record(configuration.per_session, session.id)
            turn = Turn(
                cli_model=cli_model,
                prompt=replace(prompt, system=session.system_prompt),
                session=session,
                resume=resume,
                effort=asked.effort,
                streamed=asked.streamed,
                tools=asked.tools,
                max_tokens=asked.max_tokens,
                stop=asked.stop,
                output=asked.output,
            )
            redacts = configuration.redacts_tool_arguments
            yield PreparedTurn(turn, self._frame(turn, asked), quota, asked, redacts)

    def _frame(self, turn: Turn, asked: GenerationRequest) -> AnswerFrame:
        return AnswerFrame(
            completion_id=self.ids.completion_id(),
            created=int(self.clock.time_of_day()),
            model=asked.model,
            session_id=turn.session.id,
            new_session=not turn.resume,
            include_usage=asked.include_usage,
            ignored=asked.ignored,
            names=asked.names,
            ignored_tools=asked.ignored_tools,
            echoed=asked.echoed,
            shows_reasoning=asked.shows_reasoning,
            prompt_tokens=estimated_tokens(turn.prompt),
            tools=asked.tools,
        )

    @asynccontextmanager
    async def _session(
        self,
        route: ClaudeRoute,
        client: ClientId,
        cli_model: str,
        asked: GenerationRequest,
        *,
        may_go_on: bool,
    ) -> AsyncIterator[_Held]:
        """Locks the session with the given id, the one with the same history, or a new one."""
        conversation = asked.conversation
        if asked.session is not None and route.session_id not in (None, asked.session):
            raise parameters.wrong_type(
                "conversation", "the session that the request names elsewhere"
            )
        session_id = await self.results.find(
            route.session_id or asked.session, client, conversation, anew=route.anew
        )
        if session_id is not None:
            patience_s = RESULTS_PATIENCE_S if LastResults.of(conversation) else 0.0
            async with self.sessions.resume(session_id, client, patience_s) as session:
                yield _Held(session, build_prompt(conversation, resume=True), resume=True)
            return
        prompt = build_prompt(conversation, resume=False)
        going_on = next_turn(conversation) if may_go_on else None
        if going_on is not None:
            next_prompt = replace(prompt, turn=encodable(going_on.messages), history=())
            history = history_key(client, going_on.said, prompt.system)
            async with self.sessions.go_on(history, client) as known:
                if known is not None and await self.results.continues(known, conversation):
                    yield _Held(known, next_prompt, resume=True)
                    return
        starting = self.sessions.start(
            client, cli_model, asked.effort, has_history=prompt.is_dialogue
        )
        async with starting as session:
            yield _Held(session, prompt, resume=False)
