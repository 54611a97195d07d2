"""`modegate serve`: runs the gateway until a signal stops it."""

import asyncio
import gc
import logging
import mimetypes
import os
import socket
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import field, replace
from importlib.metadata import version
from pathlib import Path

import uvloop

from modegate.application.ports.request_observer import RequestObserver
from modegate.domain.errors import GatewayError
from modegate.entrypoints.bootstrap.adapters import shared_files
from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.bootstrap.http import build_gateway, build_server
from modegate.entrypoints.bootstrap.json_request_log import JsonRequestLog
from modegate.entrypoints.bootstrap.log_config import configure_logging, set_level
from modegate.entrypoints.bootstrap.metrics_sync import metrics_folder
from modegate.entrypoints.bootstrap.offline import offline_container, simulated_state
from modegate.entrypoints.bootstrap.postgres_adapters import ledger_fault
from modegate.entrypoints.bootstrap.reading import Reading
from modegate.entrypoints.bootstrap.redis_adapters import store_fault
from modegate.entrypoints.bootstrap.reload.candidate import ConfigurationReader
from modegate.entrypoints.bootstrap.reload.settings_file_watch import SettingsFileWatch, watching
from modegate.entrypoints.bootstrap.reload.supervisor_part import ServedState, SupervisorPart
from modegate.entrypoints.cli.startup_banner import StartupReport, url_of
from modegate.entrypoints.cli.wording import OPERATOR
from modegate.entrypoints.config.adapter_options import redis_options
from modegate.entrypoints.config.sources import LoadedSettings
from modegate.entrypoints.http.middleware.request_log import RequestLog
from modegate.entrypoints.http.server.descriptors import raise_descriptor_limit
from modegate.entrypoints.http.server.listener import AddressError, listen
from modegate.entrypoints.http.server.reaper import reaping_orphans
from modegate.entrypoints.http.server.supervisor import Supervisor
from modegate.entrypoints.http.server.workers.channel import Channel
from modegate.entrypoints.http.server.workers.link import WorkerLink
from modegate.entrypoints.operator_advice import own_upstream_fault
from modegate.lazy_dataclass import dataclass

# Net number of allocations that triggers a collection of the young generation.
GARBAGE = 5_000
# A hanging disk must not block the start-up.
LONGEST_CHECK_S = 2.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Serving:
    """The options of one serving process.

    `load` reads the settings again. `find_file` finds the file to watch, if any. `simulated` is the
    state folder if a simulated model answers. `channel` connects a worker to its supervisor.
    `descriptors` is the limit of open files for children. `metrics` is the folder in which workers
    share their metrics.
    """

    state: ServedState
    load: Callable[[], LoadedSettings]
    find_file: Callable[[], Path | None] | None
    listener: socket.socket
    simulated: Path | None = None
    channel: Channel | None = None
    announces: bool = True
    descriptors: int | None = None
    metrics: Path | None = None
    request_log: RequestObserver = field(default_factory=RequestLog)


def run_serve(
    loaded: LoadedSettings,
    load: Callable[[], LoadedSettings],
    *,
    offline: bool,
    workers: int = 1,
    find_file: Callable[[], Path | None] | None = None,
) -> int:
    """Runs the gateway; returns the exit status: 1 if it cannot listen on the address.

    `load` reads the settings again. `find_file` returns the path of the file to watch, if any.
    """
    # Falcon would read the system's file of types, which only routes of files need: 4 ms.
    mimetypes.init(files=())
    chosen = "log_format" in loaded.sources or not sys.stderr.isatty()
    style = loaded.settings.log_format if chosen else "pretty"
    batch = configure_logging(loaded.settings.log_level, style)
    for warning in loaded.warnings:
        log.warning("settings: %s", warning)
    settings = loaded.settings
    own = () if offline else tuple(settings.own_upstreams())
    for place in own:
        print(f"modegate: {own_upstream_fault(place)}", file=sys.stderr)
    if own:
        return 2
    if fault := ledger_fault(settings):
        print(f"modegate: {fault}", file=sys.stderr)
        return 2
    if settings.modegate_store and (fault := store_fault(redis_options(settings), OPERATOR)):
        print(f"modegate: {fault}", file=sys.stderr)
        return 2
    try:
        listener = listen(settings.host, settings.port)
    except AddressError as error:
        print(f"modegate: {error}", file=sys.stderr)
        return 1
    # Created here, so that all workers share one folder, and therefore sessions.
    with simulated_state() if offline else nullcontext() as state:
        serving = Serving(
            ServedState(settings, loaded),
            load,
            find_file,
            listener,
            state,
            descriptors=raise_descriptor_limit(),
            request_log=JsonRequestLog(batch) if style == "json" else RequestLog(),
        )
        return _run_single(serving) if workers == 1 else _run_workers(serving, workers)


def _run_workers(serving: Serving, workers: int) -> int:
    log.warning(
        "%d workers: sessions, limits, budgets and metrics are shared; each worker has its own idle "
        "processes",
        workers,
    )
    offline = serving.simulated is not None
    reader = ConfigurationReader(load=serving.load, environment=os.environ, is_offline=offline)
    part = SupervisorPart(reader, serving.state)

    def work(channel: Channel, first: bool) -> int:  # noqa: FBT001
        worker = replace(serving, state=part.state, channel=channel, announces=first)
        return _run_single(replace(worker, metrics=folder))

    state = serving.simulated or serving.state.settings.modegate_state_dir
    with metrics_folder() as folder, shared_files(state):
        return Supervisor(workers, work, part).run()


def _run_single(serving: Serving) -> int:
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(serving))
    except Exception:
        log.exception("gateway failed")
        return 1


async def _serve(serving: Serving) -> int:
    if serving.simulated is None:
        return await _serve_container(Container(settings=serving.state.settings), serving)
    simulated = offline_container(serving.state.settings, os.environ, state=serving.simulated)
    async with simulated as container:
        return await _serve_container(container, serving)


async def _serve_container(container: Container, serving: Serving) -> int:
    """Serves until shutdown; returns the exit status: 1 if a resource failed to close."""
    container.child_descriptors.override(serving.descriptors)
    container.request_log.override(serving.request_log)
    container.shares_folder.override(serving.channel is not None)
    container.metrics_folder.override(serving.metrics)
    if serving.announces:
        await _check_storage(container)
        with suppress(GatewayError):  # logged and repeated by the server
            await container.key_registry().load()
        _report_start(container, serving)
    reading = Reading(loaded=serving.state.loaded, load=serving.load, set_log_level=set_level)
    offline = serving.simulated is not None
    gateway = build_gateway(container, reading, offline=offline, prepared=gc.freeze)
    channel = serving.channel
    server = build_server(
        gateway.app, container, heeds_signals=channel is None, control=gateway.control
    )
    _tune_gc()
    if channel is not None:
        gateway.control.join(
            WorkerLink(channel, gateway.control, server.stop, server.stop_listening),
            drains=serving.state.drains,
        )
    watch = None
    if serving.find_file is not None and (channel is None or channel.leads):
        watch = SettingsFileWatch(serving.find_file, gateway.control.reload_on_change)
    with reaping_orphans():
        async with watching(watch):
            await server.serve([serving.listener])
    return int(server.lifespan.should_exit)


async def _check_storage(container: Container) -> None:
    """Checks the storage, which logs a failure; passthrough works without storage."""
    checking = asyncio.create_task(container.check_health().storage.check_storage())
    await asyncio.wait({checking}, timeout=LONGEST_CHECK_S)


def _tune_gc() -> None:
    """Excludes permanent objects from garbage collection, which took 10 % of each request.

    To collect first would free 0.7 MiB for 5 to 9 % of the CPU until the first answer.
    """
    gc.enable()
    gc.freeze()
    gc.set_threshold(GARBAGE)


def _report_start(container: Container, serving: Serving) -> None:
    announcement = StartupReport(
        version=version("modegate"),
        url=url_of(*serving.listener.getsockname()[:2]),
        health=container.check_health().execute(),
        keys=len(container.configuration_source().current().keys),
        offline=serving.simulated is not None,
        upstreams=container.configuration_source().current().routes.upstreams,
    )
    if sys.stderr.isatty():
        print(announcement.banner(), file=sys.stderr)
    else:
        announcement.log()
