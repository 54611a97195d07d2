"""Wires everything: the one place that knows the adapters.

Override a provider to replace what it makes:

    container = Container(settings=settings)
    container.session_store.override(MySessionStore())
"""

import os
from collections.abc import Mapping

from dependency_injector import containers, providers

from modegate.adapters.claude_cli.backend import ClaudeBackend
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.memory.session_store import MemorySessionStore
from modegate.adapters.openai_sdk.backend import PassthroughBackend
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.system.clock import SystemClock
from modegate.adapters.system.ids import RandomIds
from modegate.application.backends import Backends
from modegate.application.check_health import CheckHealth
from modegate.application.complete_chat import CompleteChat
from modegate.application.hold_session import HoldSession
from modegate.application.list_models import ListModels
from modegate.application.prepare_turn import PrepareTurn
from modegate.application.stream_chat import StreamChat
from modegate.domain.client import ApiKey
from modegate.domain.param_policy import ParamPolicy
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
        slots=settings.max_concurrent_processes,
        queue_timeout=settings.pool_queue_timeout_ms / 1000,
        turn_timeout=settings.request_timeout_ms / 1000,
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


class Container(containers.DeclarativeContainer):
    """Builds by constructor, each thing once."""

    settings = providers.Dependency(instance_of=Settings)
    environment = providers.Object[Mapping[str, str]](os.environ)

    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(RandomIds)
    session_store = providers.Singleton(MemorySessionStore)
    models = providers.Singleton(Settings.model_map, settings)

    claude_backend = providers.Singleton(
        ClaudeBackend, providers.Factory(claude_options, settings, environment)
    )
    passthrough_backend = providers.Singleton(
        PassthroughBackend, providers.Factory(upstream_options, settings)
    )
    backends = providers.Singleton(Backends, claude=claude_backend, passthrough=passthrough_backend)

    hold_session = providers.Singleton(
        HoldSession,
        store=session_store,
        policy=providers.Factory(session_policy, settings),
        clock=clock,
        ids=ids,
    )
    prepare_turn = providers.Singleton(
        PrepareTurn,
        models=models,
        policy=providers.Factory(ParamPolicy),
        sessions=hold_session,
        clock=clock,
        ids=ids,
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
        claude=claude_backend,
        passthrough=passthrough_backend,
        clients_may_bring_keys=settings.provided.allow_client_openai_key,
    )
