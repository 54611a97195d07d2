"""The HTTP application and its server, built from a container."""

import asyncio
import math
from collections.abc import Callable
from functools import partial

import uvicorn

from modegate.entrypoints.bootstrap.archive_sync import ArchiveSync
from modegate.entrypoints.bootstrap.budget_warning import log_budget_warning
from modegate.entrypoints.bootstrap.container import Container, close
from modegate.entrypoints.bootstrap.control import Control
from modegate.entrypoints.bootstrap.credential_sync import CredentialSync, log_cooldown
from modegate.entrypoints.bootstrap.hourly_cleaner import HourlyCleaner
from modegate.entrypoints.bootstrap.key_file_watch import KeyFileWatch
from modegate.entrypoints.bootstrap.key_sync import KeySync
from modegate.entrypoints.bootstrap.metrics_sync import MetricsSync
from modegate.entrypoints.bootstrap.moved_turns_sync import MovedTurnsSync
from modegate.entrypoints.bootstrap.preparation import Preparation, run_steps
from modegate.entrypoints.bootstrap.presence_sync import PresenceSync
from modegate.entrypoints.bootstrap.reading import Reading
from modegate.entrypoints.bootstrap.rejected_usage import log_rejected_usage
from modegate.entrypoints.bootstrap.reload.candidate import ConfigurationReader
from modegate.entrypoints.bootstrap.reload.live_parts import LiveParts
from modegate.entrypoints.bootstrap.reload.reloader import Reloader
from modegate.entrypoints.bootstrap.session_cleaner import SessionCleaner
from modegate.entrypoints.bootstrap.telemetry import close_telemetry
from modegate.entrypoints.config import http_options, mapping
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.http.admin.probes import SharedProbes
from modegate.entrypoints.http.app import Hook, create_app
from modegate.entrypoints.http.middleware.draining import Draining
from modegate.entrypoints.http.middleware.request_lifecycle import RequestLifecycle
from modegate.entrypoints.http.options import LiveHttpOptions
from modegate.entrypoints.http.resources.batches.routes import BatchUseCases
from modegate.entrypoints.http.server.connection.protocol import GatewayProtocol
from modegate.entrypoints.http.server.listener import BACKLOG
from modegate.entrypoints.http.server.server import GatewayServer
from modegate.entrypoints.http.use_cases import AdminUseCases, UseCases
from modegate.lazy_dataclass import dataclass

# Seconds for the error responses of cancelled requests to reach their clients.
FLUSH_TIMEOUT_S = 2


@dataclass(frozen=True, slots=True)
class Gateway:
    """The application, and what reloads and drains it."""

    app: RequestLifecycle
    control: Control


def build_app(
    container: Container, *, offline: bool = False, prepared: Callable[[], object] | None = None
) -> RequestLifecycle:
    """Returns the HTTP application with its use cases and background tasks.

    `prepared` is called when the backends are prepared.
    """
    return build_gateway(container, offline=offline, prepared=prepared).app


def build_gateway(
    container: Container,
    reading: Reading | None = None,
    *,
    offline: bool = False,
    prepared: Callable[[], object] | None = None,
) -> Gateway:
    """Returns the application and its control; without a `reading`, a reload changes nothing."""
    settings: Settings = container.settings()
    interval = mapping.session_cleanup_interval(settings)
    cleaner = SessionCleaner(container.expire_sessions(), interval)
    usage_cleaner = HourlyCleaner(container.expire_usage().execute, "rows of usage")
    metrics = container.metrics()
    metrics.show_batches(container.batch_load().get)
    batches = container.batch_runner()
    batch_cleaner = HourlyCleaner(container.expire_batches().execute, "batches and files")
    response_cleaner = HourlyCleaner(container.response_store().expire, "kept responses")
    credentials = CredentialSync(container.credential_states())
    container.credential_pools().on_cooldown = log_cooldown
    container.asking_for_usage().on_rejected = log_rejected_usage
    container.reserve_budget().on_warning = log_budget_warning
    keys = KeySync(container.key_registry())
    key_files = KeyFileWatch(mapping.key_files(settings), container.memory_configuration())
    syncs: list[MetricsSync | PresenceSync | MovedTurnsSync | ArchiveSync] = []
    if container.metrics_folder() is not None:
        syncs.append(MetricsSync(metrics))
    if (presence := container.presence()) is not None:
        syncs += (PresenceSync(presence), MovedTurnsSync(container.end_moved_turns()))
        metrics.watch_store(presence)
    if container.transcript_archive() is not None:
        syncs.append(ArchiveSync(container.late_transcripts(), container.store_late_turns()))
    tracing = container.tracing()
    telemetry = [it for it in (tracing, container.generation_metrics()) if it is not None]
    probes = SharedProbes(container.probe_credential())
    preparation = Preparation(preparing(container), prepared)
    live = LiveHttpOptions(http_options.http_options(settings, offline=offline))
    draining = Draining(lambda: live.current.drain_delay)
    control = Control(draining)
    batches.is_paused = lambda: draining.is_draining
    reading = reading or Reading.fixed(settings)
    parts = LiveParts(
        container=container,
        http=live,
        cleaner=cleaner,
        key_files=key_files,
        is_offline=offline,
        set_log_level=reading.set_log_level,
    )
    reader = ConfigurationReader(
        load=reading.load,
        environment=container.environment(),
        serve_as=container.serve_as(),
        is_offline=offline,
    )
    control.reloader = Reloader(reader, parts, reading.loaded, control.agree)
    app = create_app(
        UseCases(
            answer_request=container.answer_request(),
            relay_call=container.relay_call(),
            kept_responses=container.kept_responses(),
            count_tokens=container.count_tokens(),
            manage_sessions=container.manage_sessions(),
            list_models=container.list_models(),
            check_health=container.check_health(),
            batches=BatchUseCases(
                files=container.manage_files(),
                batches=container.manage_batches(),
                configuration=container.configuration_source(),
            ),
            sessions=container.session_store(),
            metrics=metrics,
            query_usage=container.query_usage(),
            observers=(container.request_log(), metrics, container.record_usage(), *telemetry),
            admin=AdminUseCases(
                credentials=container.manage_credentials(),
                keys=container.manage_keys(),
                upstreams=container.list_upstreams(),
                probes=probes,
                control=control,
            ),
            on_request=None if tracing is None else tracing.start,
        ),
        live,
        draining,
        on_start=(
            partial(run_steps, preparing_first(container)),
            keys.start,
            credentials.start,
            cleaner.start,
            usage_cleaner.start,
            key_files.start,
            preparation.start,
            batches.start,
            batch_cleaner.start,
            response_cleaner.start,
            *(it.start for it in syncs),
        ),
        on_end=(
            batches.aclose,
            batch_cleaner.aclose,
            response_cleaner.aclose,
            preparation.aclose,
            key_files.aclose,
            probes.aclose,
            cleaner.aclose,
            usage_cleaner.aclose,
            credentials.aclose,
            keys.aclose,
            *(it.aclose for it in syncs),
            partial(close, container),
            partial(close_telemetry, telemetry),  # last: it may wait for a collector
        ),
    )
    return Gateway(app, control)


def preparing(container: Container) -> list[Hook]:
    """Returns what prepares the backends for their first requests; an unused one is not."""
    relay = (container.relay_backend,) if _has_upstreams(container) else ()
    return _steps_of(container.usage_ledger, container.answer_backend, *relay)


def preparing_first(container: Container) -> list[Hook]:
    """Returns what prepares the prices before the server accepts connections.

    The first answer needs them. While a thread imports them, that answer would block the event loop.
    """
    return _steps_of(container.price_source) if _has_upstreams(container) else []


def _has_upstreams(container: Container) -> bool:
    return bool(container.configuration_source().current().routes.upstreams)


def _steps_of(*parts: Callable[[], object]) -> list[Hook]:
    return [step for part in parts if (step := getattr(part(), "prepare", None))]


def build_server(
    app: RequestLifecycle,
    container: Container,
    *,
    heeds_signals: bool = True,
    control: Control | None = None,
) -> GatewayServer:
    """Returns a server that is not started; by default it listens on the configured address.

    With `control`, SIGHUP reloads the configuration, which also bounds the shutdown.
    """
    at_start = container.settings()
    options = http_options.server_options(at_start)

    async def drain() -> None:
        await app.announce_drain()
        if begin_no_more := getattr(container.answer_backend(), "drain", None):
            begin_no_more()
        settings = control.reloader.running if control else at_start
        patience_s = http_options.server_options(settings).shutdown_timeout
        await asyncio.gather(app.drain(patience_s), container.batch_runner().drain(patience_s))

    return GatewayServer(
        uvicorn.Config(
            app,
            host=options.host,
            port=options.port,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            lifespan="on",
            http=GatewayProtocol,
            ws="none",
            backlog=BACKLOG,
            timeout_keep_alive=math.ceil(options.keep_alive),
            timeout_graceful_shutdown=FLUSH_TIMEOUT_S,
        ),
        drain,
        heeds_signals=heeds_signals,
        reload=control.reload_on_signal if control else None,
    )
