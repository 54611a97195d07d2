"""The checks of `modegate doctor --live`, which send a request to each backend."""

import asyncio
from collections.abc import AsyncIterator, Awaitable

from modegate.application.answering.routed_answer import CompleteAnswer
from modegate.domain.access.client import ANONYMOUS
from modegate.domain.credentials.credential import Credential
from modegate.domain.errors import (
    BackendCrashedError,
    BackendFailedError,
    GatewayError,
    TurnTimeoutError,
    UpstreamInvalidResponseError,
    UpstreamUnreachableError,
)
from modegate.domain.inbound_request import InboundRequest
from modegate.domain.routing.mode import Mode
from modegate.domain.routing.upstream import Upstream
from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.cli.diagnostic import Diagnostic, Severity
from modegate.entrypoints.cli.startup_banner import counted, is_plain
from modegate.entrypoints.cli.wording import OPERATOR
from modegate.entrypoints.config.settings import Settings

LIVE_TIMEOUT = 60.0
# Errors whose message only advises clients to retry, which does not help operators.
UNREACHED = (
    BackendCrashedError,
    BackendFailedError,
    TurnTimeoutError,
    UpstreamInvalidResponseError,
    UpstreamUnreachableError,
)
CLAUDE_UNREACHED = "check the network, a proxy in HTTPS_PROXY, and ANTHROPIC_BASE_URL if it is set"
UPSTREAM_UNREACHED = "check the network, a proxy in HTTPS_PROXY, and OPENAI_BASE_URL if it is set"

TABLE_UNREACHED = "check the network, a proxy in HTTPS_PROXY, and base_url in its table"


async def ask_claude(container: Container, settings: Settings) -> Diagnostic:
    """Checks that Claude answers a short prompt, and ends the session."""
    params = {
        "model": settings.default_model,
        "messages": [{"role": "user", "content": "Answer with the word: ok"}],
    }

    async def ask() -> str:
        request = InboundRequest.of(params, Mode.CLAUDE_CODE)
        async with container.answer_request().execute(request) as answer:
            pass
        session_id = answer.frame.session_id if isinstance(answer, CompleteAnswer) else None
        if session_id is not None:
            await container.manage_sessions().end(session_id, ANONYMOUS.id)
        return f"{settings.default_model} answered"

    return await _asked("claude", ask(), CLAUDE_UNREACHED)


async def ask_upstreams(container: Container) -> AsyncIterator[Diagnostic]:
    """Checks that each upstream lists its models."""
    upstreams = container.configuration_source().current().routes.upstreams
    asked = [(it, it.credential) for it in upstreams if it.credential is not None]
    if not asked:
        yield Diagnostic(Severity.WARNING, "upstream: not asked, for there is no key")
    for upstream, credential in asked:
        plain = is_plain(upstream)
        who = "upstream" if plain else f"upstream {upstream.name} with {credential.id}"
        unreached = UPSTREAM_UNREACHED if plain else TABLE_UNREACHED
        yield await _asked(who, _count(container, upstream, credential), unreached)


async def _count(container: Container, upstream: Upstream, credential: Credential) -> str:
    return counted(len(await container.model_catalog().list_models(upstream, credential)), "model")


async def _asked(who: str, answer: Awaitable[str], unreached: str) -> Diagnostic:
    try:
        async with asyncio.timeout(LIVE_TIMEOUT):
            return Diagnostic(Severity.OK, f"{who}, asked: {await answer}")
    except GatewayError as error:
        advice = unreached if isinstance(error, UNREACHED) else error.explain(OPERATOR)
        return Diagnostic(Severity.ERROR, f"{who}, asked: {error.code}", advice)
    except TimeoutError:
        what = f"{who}, asked: no answer within {LIVE_TIMEOUT:.0f} s"
        return Diagnostic(Severity.ERROR, what, unreached)
