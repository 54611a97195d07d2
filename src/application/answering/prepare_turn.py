"""The use case that makes every decision about a request and prepares its turn."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass

from modegate.application.ports.clock import Clock
from modegate.application.ports.ids import IdGenerator
from modegate.application.ports.rate_limiter import RateLimiter
from modegate.application.sessions.registry import SessionRegistry
from modegate.domain.access.client import parse_upstream_key
from modegate.domain.conversation import Conversation
from modegate.domain.errors import InvalidRequestError, MissingParameterError
from modegate.domain.mode import Mode
from modegate.domain.model_map import ModelMap
from modegate.domain.param_policy import Effort, ParamPolicy, as_count
from modegate.domain.prompt import Prompt, build_prompt
from modegate.domain.quota import Limit
from modegate.domain.session import Session
from modegate.domain.turn import ChatRequest, ClaudeTurn, PassthroughTurn, Turn

MAX_MODEL_CHARACTERS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareTurn:
    """Prepares a frozen turn from a request; locks its session until the context is left."""

    models: ModelMap
    policy: ParamPolicy
    sessions: SessionRegistry
    clock: Clock
    ids: IdGenerator
    limiter: RateLimiter
    per_session: Limit
    clients_may_bring_keys: bool = True

    def __call__(self, request: ChatRequest) -> AbstractAsyncContextManager[Turn]:
        """Prepares the turn for one request.

        Raises:
            RequestError: if the request is invalid, or its session is not the client's.
            SessionBusyError: if another request uses the session.
            RateLimitError: if the session exceeds its rate limit.
        """
        if request.decision.mode is Mode.PASSTHROUGH:
            return nullcontext(self._passthrough(request))
        return self._claude(request)

    @asynccontextmanager
    async def _claude(self, request: ChatRequest) -> AsyncIterator[Turn]:
        params = request.params
        _check_stream(params)
        include_usage = _include_usage(params)
        screening = self.policy.screen(params)
        model = _model(params)
        cli_model = self.models.resolve(model)
        conversation = Conversation.parse(params.get("messages"))
        resume = request.decision.session_id is not None
        prompt = build_prompt(conversation, resume=resume)
        async with self._session(request, cli_model, screening.effort) as held:
            session = held.with_system_prompt(prompt.system)
            quota = await self.limiter.record(self.per_session, session.id)
            yield ClaudeTurn(
                completion_id=self.ids.completion_id(),
                created=int(self.clock.time_of_day()),
                model=model,
                cli_model=cli_model,
                prompt=Prompt(session.system_prompt, prompt.text),
                session=session,
                resume=resume,
                effort=screening.effort,
                include_usage=include_usage,
                ignored=screening.ignored,
                quota=quota,
            )

    def _passthrough(self, request: ChatRequest) -> PassthroughTurn:
        model = request.params.get("model")
        _check_model_length(model)
        brought = request.upstream_key if self.clients_may_bring_keys else None
        return PassthroughTurn(
            body=request.body,
            model=model if isinstance(model, str) else None,
            upstream_key=None if brought is None else parse_upstream_key(brought),
            choices=as_count(request.params.get("n")) or 1,
        )

    def _session(
        self, request: ChatRequest, cli_model: str, effort: Effort | None
    ) -> AbstractAsyncContextManager[Session]:
        if request.decision.session_id is None:
            return self.sessions.start(request.client, cli_model, effort)
        return self.sessions.resume(request.decision.session_id, request.client)


def _model(params: Mapping[str, object]) -> str:
    model = params.get("model")
    if model is None:
        raise MissingParameterError("'model' is missing: name one, such as sonnet.", param="model")
    if not isinstance(model, str):
        raise InvalidRequestError("'model' must be a string.", param="model")
    _check_model_length(model)
    return model


def _check_model_length(model: object) -> None:
    if isinstance(model, str) and not 1 <= len(model) <= MAX_MODEL_CHARACTERS:
        raise InvalidRequestError(
            f"'model' must have 1 to {MAX_MODEL_CHARACTERS} characters.", param="model"
        )


def _check_stream(params: Mapping[str, object]) -> None:
    if not isinstance(params.get("stream"), bool | None):
        raise InvalidRequestError("'stream' must be true or false.", param="stream")


def _include_usage(params: Mapping[str, object]) -> bool:
    options = params.get("stream_options")
    if options is None:
        return False
    include = options.get("include_usage") if isinstance(options, Mapping) else options
    if not (isinstance(options, Mapping) and isinstance(include, bool | None)):
        raise InvalidRequestError(
            "'stream_options' must be an object; its include_usage is true or false.",
            param="stream_options",
        )
    return include is True
