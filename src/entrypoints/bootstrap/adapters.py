"""The adapters, as the part of the container that does not know the use cases."""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from dependency_injector import containers, providers

from modegate.adapters.claude_cli.backend import ClaudeBackend
from modegate.adapters.claude_cli.diagnostics import examine
from modegate.adapters.genai_prices.price_source import GenaiPrices
from modegate.adapters.memory.admission_limiter import MemoryAdmissionLimiter
from modegate.adapters.memory.budget_ledger import MemoryBudgetLedger
from modegate.adapters.memory.configuration_source import MemoryConfigurationSource
from modegate.adapters.memory.model_lists import KeptModelLists
from modegate.adapters.objects.folder import FolderObjects
from modegate.adapters.objects.options import ArchiveKind, ArchivePlace
from modegate.adapters.objects.transcript_archive import ObjectTranscriptArchive
from modegate.adapters.openai_sdk.proxies import proxy_of
from modegate.adapters.openai_sdk.relay import PassthroughBackend
from modegate.adapters.prometheus.worker_samples import WorkerSamples
from modegate.adapters.sqlite.admission_limiter import SqliteAdmissionLimiter
from modegate.adapters.sqlite.batches.file_store import SqliteFileStore
from modegate.adapters.sqlite.batches.queue import SqliteBatchQueue
from modegate.adapters.sqlite.budget_ledger import SqliteBudgetLedger
from modegate.adapters.sqlite.credential_store import SqliteCredentialStore
from modegate.adapters.sqlite.key_store import SqliteKeyStore
from modegate.adapters.sqlite.response_store import SqliteResponseStore
from modegate.adapters.sqlite.session_store import SqliteSessionStore
from modegate.adapters.sqlite.shared_files import shared_files
from modegate.adapters.sqlite.usage_ledger import SqliteUsageLedger
from modegate.adapters.system.clock import SystemClock
from modegate.adapters.system.ids import RandomIds
from modegate.adapters.url_fetch.fetcher import UrlFetcher
from modegate.application.answering.limits_without_store import LimitsWithoutStore
from modegate.application.budgets.history import LedgerHistory
from modegate.application.check_health import Storages
from modegate.application.ports.admission_limiter import AdmissionLimiter
from modegate.application.ports.backend_status import StorageProbe
from modegate.application.ports.batch_queue import BatchQueue
from modegate.application.ports.budget_ledger import BudgetLedger
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.application.ports.credential_store import CredentialStore
from modegate.application.ports.file_store import FileStore
from modegate.application.ports.key_store import KeyStore
from modegate.application.ports.media_fetcher import MediaFetcher
from modegate.application.ports.rate_limiter import RateLimiter
from modegate.application.ports.response_store import ResponseStore
from modegate.application.ports.session_store import SessionStore
from modegate.application.ports.transcript_archive import TranscriptArchive
from modegate.application.ports.usage_ledger import UsageLedger
from modegate.entrypoints.bootstrap.postgres_adapters import (
    postgres_batch_queue,
    postgres_file_store,
    postgres_usage_ledger,
)
from modegate.entrypoints.bootstrap.redis_adapters import (
    redis_budgets,
    redis_call_locations,
    redis_connection,
    redis_credential_store,
    redis_key_store,
    redis_limiter,
    redis_presence,
    redis_response_store,
    redis_session_store,
)
from modegate.entrypoints.bootstrap.telemetry import generation_metrics, tracing
from modegate.entrypoints.config import adapter_options, mapping
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.http.middleware.request_log import RequestLog

if TYPE_CHECKING:  # its library is an extra
    from modegate.adapters.redis.connection import RedisConnection

__all__ = ["Adapters", "shared_files"]

T = TypeVar("T")

log = logging.getLogger(__name__)


def same(part: T) -> T:
    """Returns the part itself: a second provider that can be overridden on its own."""
    return part


def storage_probe(*parts: object) -> StorageProbe:
    """Returns one probe for all parts that implement `StorageProbe`."""
    return Storages([part for part in parts if isinstance(part, StorageProbe)])


def limits_kind(store_kind: str, shares_folder: bool) -> str:  # noqa: FBT001
    """Returns where limits are counted: in a store, in the folder of several workers, or in memory."""
    if store_kind == "redis":
        return "redis"
    return "sqlite" if shares_folder else "memory"


def transcript_archive(
    place: ArchivePlace, redis: "Callable[[], RedisConnection]"
) -> TranscriptArchive | None:
    """Returns the archive of transcripts; None where sessions stay on this machine."""
    match place.kind:
        case ArchiveKind.NONE:
            return None
        case ArchiveKind.FOLDER:
            folder = Path(unquote(urlsplit(place.url).path))
            return ObjectTranscriptArchive(FolderObjects(folder))
        case ArchiveKind.BUCKET:
            from modegate.adapters.objects.bucket import s3_bucket  # noqa: PLC0415

            return ObjectTranscriptArchive(s3_bucket(place.url))
        case ArchiveKind.STORE:
            from modegate.adapters.redis.transcript_archive import (  # noqa: PLC0415
                RedisTranscriptArchive,
            )

            return RedisTranscriptArchive(redis(), place.keep_s)


def worker_samples(folder: Path | None) -> WorkerSamples | None:
    """Returns the samples of all workers, which share `folder`; None if it cannot be used."""
    try:
        return None if folder is None else WorkerSamples(folder)
    except OSError as error:
        log.warning("metrics of this worker not shared: %s", error.strerror)
        return None


class Adapters(containers.DeclarativeContainer):
    """Creates the adapters by constructor injection, each as a singleton."""

    settings = providers.Dependency(instance_of=Settings)
    store_kind = providers.Callable(adapter_options.store_kind, settings)
    redis = providers.Singleton(
        redis_connection, providers.Factory(adapter_options.redis_options, settings)
    )
    # What is open and has to be closed.
    store = providers.Selector(store_kind, local=providers.Object(None), redis=redis)
    environment = providers.Object[Mapping[str, str]](os.environ)
    child_descriptors = providers.Object[int | None](None)
    serve_as = providers.Object[Callable[[Settings], Settings]](same)
    metrics_folder = providers.Object[Path | None](None)

    memory_configuration = providers.Singleton(
        MemoryConfigurationSource, providers.Factory(mapping.configuration, settings, environment)
    )
    configuration_source = providers.Callable[ConfigurationSource](same, memory_configuration)
    clock = providers.Singleton(SystemClock, settings.provided.modegate_state_dir)
    ids = providers.Singleton(RandomIds)
    media_fetcher: providers.Provider[MediaFetcher] = providers.Singleton(UrlFetcher)
    presence = providers.Selector(
        store_kind,
        local=providers.Object(None),
        redis=providers.Singleton(redis_presence, redis, clock),
    )
    call_locations = providers.Selector(
        store_kind,
        local=providers.Object(None),
        redis=providers.Singleton(redis_call_locations, redis),
    )
    response_store: providers.Provider[ResponseStore] = providers.Selector(
        store_kind,
        local=providers.Singleton(SqliteResponseStore, settings.provided.modegate_state_dir, clock),
        redis=providers.Singleton(redis_response_store, redis),
    )
    session_store: providers.Provider[SessionStore] = providers.Selector(
        store_kind,
        local=providers.Singleton(SqliteSessionStore, settings.provided.modegate_state_dir),
        redis=providers.Singleton(redis_session_store, redis, clock),
    )
    # Whether this is one of several workers, which share the state folder.
    shares_folder = providers.Object[bool](False)  # noqa: FBT003
    limits_kind = providers.Callable(limits_kind, store_kind, shares_folder)
    admission_limiter: providers.Provider[AdmissionLimiter] = providers.Selector(
        limits_kind,
        memory=providers.Singleton(MemoryAdmissionLimiter),
        sqlite=providers.Singleton(SqliteAdmissionLimiter, settings.provided.modegate_state_dir),
        redis=providers.Singleton(
            LimitsWithoutStore,
            providers.Singleton(redis_limiter, redis),
            providers.Singleton(MemoryAdmissionLimiter),
            presence,
            providers.Callable(mapping.store_failure_mode, settings),
        ),
    )
    rate_limiter = providers.Callable[RateLimiter](same, admission_limiter)

    claude_options = providers.Factory(
        adapter_options.claude_options, settings, environment, child_descriptors
    )
    transcript_archive = providers.Singleton(
        transcript_archive,
        providers.Factory(adapter_options.archive_place, settings),
        redis.provider,
    )
    claude_cli = providers.Singleton(ClaudeBackend, claude_options, transcript_archive)
    answer_backend = providers.Callable[ClaudeBackend](same, claude_cli)
    claude_status = providers.Callable[ClaudeBackend](same, claude_cli)
    transcript_store = providers.Callable[ClaudeBackend](same, claude_cli)
    awaited_calls = providers.Callable[ClaudeBackend](same, claude_cli)
    late_transcripts = claude_cli.provided.late
    storage_probe = providers.Callable(storage_probe, session_store, transcript_store)
    cli_diagnostics = providers.Coroutine(examine, claude_options)
    upstream_options = providers.Factory(adapter_options.upstream_options, settings)
    openai_sdk = providers.Singleton(PassthroughBackend, upstream_options)
    relay_backend = providers.Callable[PassthroughBackend](same, openai_sdk)
    model_catalog = providers.Callable[PassthroughBackend](same, openai_sdk)
    upstream_proxy = providers.Callable(proxy_of)
    price_source = providers.Singleton(GenaiPrices)
    request_log = providers.Singleton(RequestLog)
    tracing = providers.Singleton(tracing, environment)
    generation_metrics = providers.Singleton(generation_metrics, environment)
    worker_samples = providers.Singleton(worker_samples, metrics_folder)

    credential_store: providers.Provider[CredentialStore] = providers.Selector(
        store_kind,
        local=providers.Singleton(SqliteCredentialStore, settings.provided.modegate_state_dir),
        redis=providers.Singleton(redis_credential_store, redis),
    )
    key_store: providers.Provider[KeyStore] = providers.Selector(
        store_kind,
        local=providers.Singleton(SqliteKeyStore, settings.provided.modegate_state_dir),
        redis=providers.Singleton(redis_key_store, redis),
    )
    ledger_kind = providers.Callable(adapter_options.ledger_kind, settings)
    postgres_options = providers.Factory(adapter_options.postgres_options, settings)
    usage_ledger: providers.Provider[UsageLedger] = providers.Selector(
        ledger_kind,
        sqlite=providers.Singleton(SqliteUsageLedger, settings.provided.modegate_state_dir),
        postgres=providers.Singleton(postgres_usage_ledger, postgres_options),
    )
    batch_queue: providers.Provider[BatchQueue] = providers.Selector(
        ledger_kind,
        sqlite=providers.Singleton(SqliteBatchQueue, settings.provided.modegate_state_dir, clock),
        postgres=providers.Singleton(postgres_batch_queue, postgres_options),
    )
    file_store: providers.Provider[FileStore] = providers.Selector(
        ledger_kind,
        sqlite=providers.Singleton(SqliteFileStore, settings.provided.modegate_state_dir),
        postgres=providers.Singleton(postgres_file_store, postgres_options),
    )
    spending_history = providers.Singleton(LedgerHistory, usage_ledger)
    budget_ledger: providers.Provider[BudgetLedger] = providers.Selector(
        limits_kind,
        memory=providers.Singleton(MemoryBudgetLedger, spending_history),
        sqlite=providers.Singleton(
            SqliteBudgetLedger, settings.provided.modegate_state_dir, spending_history
        ),
        redis=providers.Singleton(redis_budgets, redis, spending_history),
    )
    model_lists = providers.Singleton(
        KeptModelLists, model_catalog, clock, providers.Callable(mapping.models_ttl, settings)
    )
