"""Wires everything: the one place that knows the adapters.

Override a provider to replace what it makes:

    async with live_container(settings) as container:
        container.session_store.override(MySessionStore())
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from dependency_injector import containers, providers

from modegate.adapters.claude_cli.backend import ClaudeBackend
from modegate.adapters.claude_cli.examination import examine
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.memory.permits import MemoryPermits
from modegate.adapters.memory.rate_limiter import SlidingWindows
from modegate.adapters.openai_sdk.backend import PassthroughBackend
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.openai_sdk.proxies import chosen_proxy
from modegate.adapters.sqlite.session_store import SqliteSessionStore
from modegate.adapters.system.clock import SystemClock
from modegate.adapters.system.ids import RandomIds
from modegate.application.admission import Admission
from modegate.application.backends import Backends
from modegate.application.check_health import CheckHealth
from modegate.application.client_sessions import ClientSessions
from modegate.application.complete_chat import CompleteChat
from modegate.application.expire_sessions import ExpireSessions
from modegate.application.hold_session import HoldSession
from modegate.application.list_models import ListModels
from modegate.application.prepare_turn import PrepareTurn
from modegate.application.redacted import Redacted
from modegate.application.stream_chat import StreamChat
from modegate.domain.client import ApiKey, KeyRing
from modegate.domain.param_policy import ParamPolicy
from modegate.domain.quota import Limit
from modegate.domain.session import SessionPolicy
from modegate.entrypoints.settings import Settings


def claude_options(settings: Settings, environment: Mapping[str, str]) -> ClaudeOptions:
    """The Claude adapter's part of the settings."""
    key = settings.anthropic_api_key
    return ClaudeOptions(
        state=settings.modegate_state_dir,
        executable=settings.claude_path,
        environment={
            **environment,
            **({"ANTHROPIC_API_KEY": key.get_secret_value()} if key else {}),
        },
        environment_allow=settings.claude_env_allow,
        tools=settings.claude_tools,
        bare=settings.claude_bare,
        oneshot=settings.claude_process_mode == "oneshot",
        warm_processes=settings.claude_warm_processes,
        live_sessions=settings.claude_live_sessions,
        live_idle=settings.claude_live_idle_ms / 1000,
        slots=settings.max_concurrent_processes,
        queue_timeout=settings.pool_queue_timeout_ms / 1000,
        turn_timeout=settings.request_timeout_ms / 1000,
        first_event_timeout=settings.claude_first_event_timeout_ms / 1000,
        silence_timeout=settings.claude_silence_timeout_ms / 1000,
    )


def upstream_options(settings: Settings) -> UpstreamOptions:
    """The upstream adapter's part of the settings."""
    key = settings.openai_api_key
    return UpstreamOptions(
        base_url=settings.openai_base_url,
        api_key=ApiKey(key.get_secret_value()) if key else None,
        enabled=settings.openai_passthrough_enabled,
        retries=settings.upstream_max_retries,
        timeout=settings.request_timeout_ms / 1000,
    )


def session_policy(settings: Settings) -> SessionPolicy:
    """How long sessions live."""
    return SessionPolicy(
        idle=settings.session_ttl_ms / 1000, age=settings.max_session_age_ms / 1000
    )


def key_ring(settings: Settings) -> KeyRing:
    """Who may ask."""
    return KeyRing(ApiKey(key.get_secret_value()) for key in settings.all_keys())


def per_address(settings: Settings) -> Limit:
    """What one address may ask."""
    return Limit("address", settings.rate_limit_per_ip, settings.rate_limit_window_ms / 1000)


def per_session(settings: Settings) -> Limit:
    """How many turns one session may have."""
    return Limit("session", settings.rate_limit_per_session, settings.rate_limit_window_ms / 1000)


class Container(containers.DeclarativeContainer):
    """Builds by constructor, each thing once."""

    settings = providers.Dependency(instance_of=Settings)
    environment = providers.Object[Mapping[str, str]](os.environ)

    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(RandomIds)
    session_store = providers.Singleton(SqliteSessionStore, settings.provided.modegate_state_dir)
    rate_limiter = providers.Singleton(SlidingWindows)
    permits = providers.Singleton(MemoryPermits, settings.provided.max_concurrent_per_key)
    models = providers.Singleton(Settings.model_map, settings)

    claude_options = providers.Factory(claude_options, settings, environment)
    claude_cli = providers.Singleton(ClaudeBackend, claude_options)
    claude_backend = providers.Singleton(Redacted, claude_cli)
    claude_examination = providers.Coroutine(examine, claude_options)
    upstream_options = providers.Factory(upstream_options, settings)
    passthrough_backend = providers.Singleton(PassthroughBackend, upstream_options)
    upstream_proxy = providers.Callable(chosen_proxy, upstream_options)
    backends = providers.Singleton(Backends, claude=claude_backend, passthrough=passthrough_backend)

    policy = providers.Factory(session_policy, settings)
    admission = providers.Singleton(
        Admission,
        keys=providers.Factory(key_ring, settings),
        limiter=rate_limiter,
        permits=permits,
        per_address=providers.Factory(per_address, settings),
    )
    hold_session = providers.Singleton(
        HoldSession,
        store=session_store,
        conversations=claude_cli,
        policy=policy,
        clock=clock,
        ids=ids,
    )
    client_sessions = providers.Singleton(
        ClientSessions, sessions=hold_session, conversations=claude_cli
    )
    expire_sessions = providers.Singleton(
        ExpireSessions,
        store=session_store,
        conversations=claude_cli,
        policy=policy,
        clock=clock,
    )
    prepare_turn = providers.Singleton(
        PrepareTurn,
        models=models,
        policy=providers.Factory(ParamPolicy),
        sessions=hold_session,
        clock=clock,
        ids=ids,
        limiter=rate_limiter,
        per_session=providers.Factory(per_session, settings),
        clients_may_bring_keys=settings.provided.allow_client_openai_key,
    )
    complete_chat = providers.Singleton(
        CompleteChat, prepare=prepare_turn, backend=backends, sessions=hold_session
    )
    stream_chat = providers.Singleton(
        StreamChat, prepare=prepare_turn, backend=backends, sessions=hold_session
    )
    list_models = providers.Singleton(ListModels, models=models, upstream=passthrough_backend)
    check_health = providers.Singleton(
        CheckHealth,
        claude=claude_cli,
        passthrough=passthrough_backend,
        clients_may_bring_keys=settings.provided.allow_client_openai_key,
    )


@asynccontextmanager
async def live_container(settings: Settings) -> AsyncIterator[Container]:
    """A container for use without a server; what it made is closed when the context is left."""
    container = Container(settings=settings)
    try:
        yield container
    finally:
        await close(container)


async def close(container: Container) -> None:
    """End its processes and connections; what somebody put there may have nothing to close."""
    for make in (container.claude_cli, container.passthrough_backend, container.session_store):
        if aclose := getattr(make(), "aclose", None):
            await aclose()
