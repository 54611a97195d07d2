"""Spreads the items of a batch over a Ray cluster; needs `modegate[ray]`."""

import asyncio
import importlib
import math
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from modegate.domain.batches.item import BatchItem, ItemResult
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.cli.batches.errors import BatchUsageError, OutputError
from modegate.entrypoints.cli.batches.ray_worker import BatchWorker
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.gateway.batches import Execute
from modegate.lazy_dataclass import dataclass

LOCAL = "local"
OBJECT_STORE_BYTES = 128 * 1024 * 1024
# Attempts of an item whose workers die; another worker is asked after a pause.
MAX_ATTEMPTS = 30
PAUSE_S = 0.5
# Seconds for the workers to store their usage.
CLOSING_S = 10.0


@dataclass(slots=True)
class _Worker:
    """An actor, and the items that it is answering; `losses` counts its deaths."""

    actor: Any
    running: int = 0
    losses: int = 0


class _Cluster:
    def __init__(self, workers: Sequence[_Worker], died: tuple[type[Exception], ...]) -> None:
        self._workers = workers
        self._died = died

    async def execute(self, item: BatchItem) -> ItemResult:
        """Returns the result of an item; one whose worker dies is answered by another worker.

        Raises:
            OutputError: no worker of the cluster stays alive.
        """
        for _ in range(MAX_ATTEMPTS):
            worker = min(self._workers, key=lambda it: (it.running, it.losses))
            worker.running += 1
            try:
                result: ItemResult = await worker.actor.execute.remote(item)
            except self._died:
                worker.losses += 1
                await asyncio.sleep(PAUSE_S)
            else:
                return result
            finally:
                worker.running -= 1
        raise OutputError(
            "the workers of the Ray cluster died again and again: see its logs; the same command "
            "goes on from there"
        )

    async def aclose(self) -> None:
        """Closes the gateways of the workers, so that their usage is stored."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING_S):
                await asyncio.gather(
                    *(it.actor.aclose.remote() for it in self._workers), return_exceptions=True
                )


@asynccontextmanager
async def ray_execution(
    address: str, settings: Settings, mode: Mode, *, concurrency: int, is_offline: bool
) -> AsyncIterator[Execute]:
    """Connects to a cluster, or starts one; it has an actor for each CPU, up to `concurrency`.

    Raises:
        BatchUsageError: Ray is not installed, or the cluster cannot be used.
    """
    if address == LOCAL:
        _protect()
    try:
        ray: Any = importlib.import_module("ray")  # an extra
    except ImportError:
        message = 'Ray is not installed: pip install "modegate[ray]"'
        raise BatchUsageError(message) from None
    _connect(ray, address, concurrency)
    try:
        count = max(1, min(int(ray.cluster_resources().get("CPU", 1)), concurrency))
        make = ray.remote(
            num_cpus=1, max_restarts=-1, max_concurrency=math.ceil(concurrency / count) + 1
        )(BatchWorker)
        workers = [
            _Worker(make.remote(settings, mode, is_offline=is_offline)) for _ in range(count)
        ]
        died = (ray.exceptions.RayActorError, ray.exceptions.WorkerCrashedError)
        cluster = _Cluster(workers, died)
        try:
            yield cluster.execute
        finally:
            await cluster.aclose()
            for worker in workers:
                ray.kill(worker.actor)
    finally:
        ray.shutdown()


def _protect() -> None:
    """Has a new cluster reject other clients, and report nothing to its vendor.

    Ray reads these variables when it is imported. It listens on all addresses of the machine.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if "RAY_AUTH_MODE" not in os.environ:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _connect(ray: Any, address: str, concurrency: int) -> None:
    bounds: dict[str, Any] = {}
    if address == LOCAL:
        bounds = {
            "num_cpus": min(os.cpu_count() or 1, concurrency),
            "object_store_memory": OBJECT_STORE_BYTES,
            "include_dashboard": False,
        }
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **bounds)
    except Exception as error:  # noqa: BLE001 - Ray raises various exceptions
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise BatchUsageError(f"the Ray cluster {address} cannot be used: {reason}") from None
