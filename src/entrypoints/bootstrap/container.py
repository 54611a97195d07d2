"""The dependency-injection container: the only module that depends on all adapters.

Override a provider to replace its object:

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
from modegate.adapters.memory.concurrency_limiter import MemoryConcurrencyLimiter
from modegate.adapters.memory.configuration_source import MemoryConfigurationSource
from modegate.adapters.memory.model_lists import KeptModelLists
from modegate.adapters.memory.rate_limiter import SlidingWindowLimiter
from modegate.adapters.openai_sdk.proxies import proxy_of
from modegate.adapters.openai_sdk.relay import PassthroughBackend
from modegate.adapters.prometheus.observer import PrometheusObserver
from modegate.adapters.sqlite.credential_store import SqliteCredentialStore
from modegate.adapters.sqlite.session_store import SqliteSessionStore
from modegate.adapters.system.clock import SystemClock
from modegate.adapters.system.ids import RandomIds
from modegate.application.answering.admission import Admission
from modegate.application.answering.answer_request import AnswerRequest
from modegate.application.answering.prepare_turn import PrepareTurn
from modegate.application.answering.relay_call import RelayCall
from modegate.application.check_health import CheckHealth, Storages
from modegate.application.credentials.attempts import Attempts
from modegate.application.credentials.claude import ClaudeCredential
from modegate.application.credentials.list_upstreams import ListUpstreams
from modegate.application.credentials.manage import ManageCredentials
from modegate.application.credentials.pools import CredentialPools
from modegate.application.credentials.probe import ProbeCredential
from modegate.application.credentials.states import CredentialStates
from modegate.application.credentials.summary import CredentialSummary
from modegate.application.list_models import ListModels
from modegate.application.ports.backend_status import StorageProbe
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.application.relay_request import RelayRequest
from modegate.application.sessions.expire import ExpireSessions
from modegate.application.sessions.manage import ManageSessions
from modegate.application.sessions.registry import SessionRegistry
from modegate.domain.routing.route import CLAUDE
from modegate.entrypoints.bootstrap.lifecycle import close_each
from modegate.entrypoints.config import mapping
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.http.middleware.request_log import RequestLog

T = TypeVar("T")


def same(part: T) -> T:
    """Returns the part itself: a second provider that can be overridden on its own."""
    return part


def storage_probe(*parts: object) -> StorageProbe:
    """Returns one probe for all parts that implement `StorageProbe`."""
    return Storages([part for part in parts if isinstance(part, StorageProbe)])


class Container(containers.DeclarativeContainer):
    """Creates adapters and use cases by constructor injection, each as a singleton."""

    settings = providers.Dependency(instance_of=Settings)
    environment = providers.Object[Mapping[str, str]](os.environ)
    child_descriptors = providers.Object[int | None](None)

    memory_configuration = providers.Singleton(
        MemoryConfigurationSource, providers.Factory(mapping.configuration, settings, environment)
    )
    configuration_source = providers.Callable[ConfigurationSource](same, memory_configuration)
    clock = providers.Singleton(SystemClock, settings.provided.modegate_state_dir)
    ids = providers.Singleton(RandomIds)
    session_store = providers.Singleton(SqliteSessionStore, settings.provided.modegate_state_dir)
    rate_limiter = providers.Singleton(SlidingWindowLimiter)
    concurrency_limiter = providers.Singleton(
        MemoryConcurrencyLimiter, settings.provided.max_concurrent_per_key
    )

    claude_options = providers.Factory(
        mapping.claude_options, settings, environment, child_descriptors
    )
    claude_cli = providers.Singleton(ClaudeBackend, claude_options)
    answer_backend = providers.Callable[ClaudeBackend](same, claude_cli)
    claude_status = providers.Callable[ClaudeBackend](same, claude_cli)
    transcript_store = providers.Callable[ClaudeBackend](same, claude_cli)
    storage_probe = providers.Callable(storage_probe, session_store, transcript_store)
    cli_diagnostics = providers.Coroutine(examine, claude_options)
    upstream_options = providers.Factory(mapping.upstream_options, settings)
    openai_sdk = providers.Singleton(PassthroughBackend, upstream_options)
    relay_backend = providers.Callable[PassthroughBackend](same, openai_sdk)
    model_catalog = providers.Callable[PassthroughBackend](same, openai_sdk)
    upstream_proxy = providers.Callable(proxy_of)
    request_log = providers.Singleton(RequestLog)

    credential_store = providers.Singleton(
        SqliteCredentialStore, settings.provided.modegate_state_dir
    )
    credential_states = providers.Singleton(CredentialStates, credential_store)
    credential_pools = providers.Singleton(
        CredentialPools, configuration_source, credential_states, clock
    )
    claude_credential = providers.Singleton(
        ClaudeCredential,
        credential_states,
        claude_status,
        clock,
        providers.Callable(mapping.claude_key_label, settings),
    )
    credential_summary = providers.Singleton(
        CredentialSummary, pools=credential_pools, claude=claude_credential, clock=clock
    )
    metrics = providers.Singleton(PrometheusObserver, claude_status, credential_summary)
    manage_credentials = providers.Singleton(
        ManageCredentials, pools=credential_pools, claude=claude_credential, clock=clock
    )
    list_upstreams = providers.Singleton(
        ListUpstreams, pools=credential_pools, catalog=model_catalog, clock=clock
    )
    model_lists = providers.Singleton(
        KeptModelLists, model_catalog, clock, providers.Callable(mapping.models_ttl, settings)
    )
    admission = providers.Singleton(
        Admission,
        configuration=configuration_source,
        limiter=rate_limiter,
        concurrency=concurrency_limiter,
    )
    session_registry = providers.Singleton(
        SessionRegistry,
        store=session_store,
        transcripts=transcript_store,
        configuration=configuration_source,
        clock=clock,
        ids=ids,
    )
    manage_sessions = providers.Singleton(
        ManageSessions, sessions=session_registry, transcripts=transcript_store
    )
    expire_sessions = providers.Singleton(
        ExpireSessions,
        store=session_store,
        transcripts=transcript_store,
        configuration=configuration_source,
        clock=clock,
    )
    prepare_turn = providers.Singleton(
        PrepareTurn, sessions=session_registry, clock=clock, ids=ids, limiter=rate_limiter
    )
    attempts = providers.Singleton(
        Attempts,
        relay_backend,
        credential_pools,
        providers.Callable(mapping.attempts_timeout, settings),
    )
    relay_request = providers.Singleton(RelayRequest, attempts)
    answer_request = providers.Singleton(
        AnswerRequest,
        configuration=configuration_source,
        admission=admission,
        prepare=prepare_turn,
        relay=relay_request,
        backend=answer_backend,
        sessions=session_registry,
        credential=claude_credential,
    )
    probe_credential = providers.Singleton(
        ProbeCredential,
        credentials=manage_credentials,
        catalog=model_catalog,
        backend=answer_backend,
        sessions=session_registry,
    )
    relay_call = providers.Singleton(
        RelayCall, configuration=configuration_source, admission=admission, attempts=attempts
    )
    list_models = providers.Singleton(
        ListModels,
        configuration=configuration_source,
        lists=model_lists,
        pools=credential_pools,
    )
    check_health = providers.Singleton(
        CheckHealth,
        answering=providers.Dict({CLAUDE: claude_status}),
        storage=storage_probe,
        configuration=configuration_source,
        credentials=credential_summary.provided.check,
    )
    closed = providers.Singleton[list[object]](list)


@asynccontextmanager
async def live_container(settings: Settings) -> AsyncIterator[Container]:
    """Opens a container for use without a server; leaving the context closes its objects."""
    container = Container(settings=settings)
    try:
        yield container
    finally:
        await close(container)


async def close(container: Container) -> None:
    """Closes all parts that have an `aclose`, overrides included; a failure does not stop the rest.

    Each object is closed once, even if it has several names. Idempotent. A closed container must
    not be used again.
    """
    parts = (
        container.answer_backend,
        container.claude_cli,
        container.claude_status,
        container.transcript_store,
        container.relay_backend,
        container.openai_sdk,
        container.model_lists,
        container.model_catalog,
        container.credential_states,
        container.credential_store,
        container.session_store,
        container.rate_limiter,
        container.concurrency_limiter,
        container.clock,
        container.ids,
    )
    await close_each(parts, container.closed())
