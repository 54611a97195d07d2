"""Wires everything: the one place that knows the adapters.

Override a provider to replace what it makes:

    async with live_container(settings) as container:
        container.session_store.override(MySessionStore())
"""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from dependency_injector import containers, providers

from modegate.adapters.claude_cli.backend import ClaudeBackend
from modegate.adapters.claude_cli.diagnostics import examine
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.memory.concurrency_limiter import MemoryConcurrencyLimiter
from modegate.adapters.memory.rate_limiter import SlidingWindowLimiter
from modegate.adapters.openai_sdk.options import UpstreamOptions
from modegate.adapters.openai_sdk.proxies import chosen_proxy
from modegate.adapters.openai_sdk.relay import PassthroughBackend
from modegate.adapters.sqlite.session_store import SqliteSessionStore
from modegate.adapters.system.clock import SystemClock
from modegate.adapters.system.ids import RandomIds
from modegate.application.answering.admission import Admission
from modegate.application.answering.backends import Backends
from modegate.application.answering.complete_chat import CompleteChat
from modegate.application.answering.prepare_turn import PrepareTurn
from modegate.application.answering.redaction import RedactingBackend
from modegate.application.answering.stream_chat import StreamChat
from modegate.application.check_health import CheckHealth, Storages
from modegate.application.list_models import ListModels
from modegate.application.ports.backend_status import StorageProbe
from modegate.application.sessions.expire import ExpireSessions
from modegate.application.sessions.manage import ManageSessions
from modegate.application.sessions.registry import SessionRegistry
from modegate.domain.access.client import ApiKey
from modegate.domain.param_policy import ParamPolicy
from modegate.entrypoints.bootstrap.lifecycle import close_each
from modegate.entrypoints.config.inherited_variables import clean_inherited
from modegate.entrypoints.config.mapping import key_ring, per_address, per_session, session_policy
from modegate.entrypoints.config.settings import Settings

T = TypeVar("T")


def same(part: T) -> T:
    """The part under another name, where it can be overridden without the first."""
    return part


def storage_probe(*parts: object) -> StorageProbe:
    """Those of the parts that can be checked, as one."""
    return Storages([part for part in parts if isinstance(part, StorageProbe)])


def claude_options(
    settings: Settings, environment: Mapping[str, str], descriptors: int | None
) -> ClaudeOptions:
    """The Claude adapter's part of the settings."""
    key = settings.anthropic_api_key
    return ClaudeOptions(
        state=settings.modegate_state_dir,
        executable=settings.claude_path,
        environment={
            **environment,
            **clean_inherited(environment).changes,
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
        descriptors=descriptors,
        own_wait=settings.claude_max_own_wait_ms / 1000,
        cuts_at_limit=settings.claude_cut_at_output_limit,
    )


def upstream_options(settings: Settings) -> UpstreamOptions:
    """The upstream adapter's part of the settings."""
    key, first_byte = settings.openai_api_key, settings.upstream_first_byte_timeout_ms
    return UpstreamOptions(
        base_url=settings.openai_base_url,
        api_key=ApiKey(key.get_secret_value()) if key else None,
        enabled=settings.openai_passthrough_enabled,
        retries=settings.upstream_max_retries,
        timeout=settings.request_timeout_ms / 1000,
        first_byte_timeout=None if first_byte is None else first_byte / 1000,
    )


class Container(containers.DeclarativeContainer):
    """Builds by constructor, each thing once."""

    settings = providers.Dependency(instance_of=Settings)
    environment = providers.Object[Mapping[str, str]](os.environ)
    child_descriptors = providers.Object[int | None](None)

    clock = providers.Singleton(SystemClock, settings.provided.modegate_state_dir)
    ids = providers.Singleton(RandomIds)
    session_store = providers.Singleton(SqliteSessionStore, settings.provided.modegate_state_dir)
    rate_limiter = providers.Singleton(SlidingWindowLimiter)
    permits = providers.Singleton(
        MemoryConcurrencyLimiter, settings.provided.max_concurrent_per_key
    )
    models = providers.Singleton(Settings.model_map, settings)

    claude_options = providers.Factory(claude_options, settings, environment, child_descriptors)
    claude_cli = providers.Singleton(ClaudeBackend, claude_options)
    claude_backend = providers.Singleton(RedactingBackend, claude_cli)
    claude_probe = providers.Callable[ClaudeBackend](same, claude_cli)
    conversations = providers.Callable[ClaudeBackend](same, claude_cli)
    storage_probe = providers.Callable(storage_probe, session_store, conversations)
    claude_examination = providers.Coroutine(examine, claude_options)
    upstream_options = providers.Factory(upstream_options, settings)
    upstream = providers.Singleton(PassthroughBackend, upstream_options)
    passthrough_backend = providers.Callable[PassthroughBackend](same, upstream)
    passthrough_probe = providers.Callable[PassthroughBackend](same, upstream)
    upstream_models = providers.Callable[PassthroughBackend](same, upstream)
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
        SessionRegistry,
        store=session_store,
        conversations=conversations,
        policy=policy,
        clock=clock,
        ids=ids,
    )
    client_sessions = providers.Singleton(
        ManageSessions, sessions=hold_session, conversations=conversations
    )
    expire_sessions = providers.Singleton(
        ExpireSessions,
        store=session_store,
        conversations=conversations,
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
    list_models = providers.Singleton(ListModels, models=models, upstream=upstream_models)
    check_health = providers.Singleton(
        CheckHealth,
        claude=claude_probe,
        passthrough=passthrough_probe,
        storage=storage_probe,
        clients_may_bring_keys=settings.provided.allow_client_openai_key,
    )
    closed = providers.Singleton[list[object]](list)


@asynccontextmanager
async def live_container(settings: Settings) -> AsyncIterator[Container]:
    """A container for use without a server; what it made is closed when the context is left."""
    container = Container(settings=settings)
    try:
        yield container
    finally:
        await close(container)


def answering(container: Container) -> object:
    """What answers for Claude, without what redacts its answers."""
    backend: object = container.claude_backend()
    return backend.backend if isinstance(backend, RedactingBackend) else backend


async def close(container: Container) -> None:
    """Close all that somebody made or put there, and that has an `aclose`, whatever else fails.

    Once each, however many names it has and however often this is called. A container that has been
    closed is of no more use.
    """
    parts = (
        lambda: answering(container),
        container.claude_cli,
        container.claude_probe,
        container.conversations,
        container.passthrough_backend,
        container.upstream,
        container.passthrough_probe,
        container.upstream_models,
        container.session_store,
        container.rate_limiter,
        container.permits,
        container.clock,
        container.ids,
    )
    await close_each(parts, container.closed())
