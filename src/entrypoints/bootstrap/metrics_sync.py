"""Publishes the metrics of a worker to the other workers."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from modegate.entrypoints.bootstrap.background import BackgroundTask

# Seconds; what a killed worker has counted since its last publication is lost.
PUBLISH_INTERVAL_S = 1.0

log = logging.getLogger(__name__)


@contextmanager
def metrics_folder() -> Iterator[Path | None]:
    """Creates the folder in which workers share their metrics; None if that is not possible.

    It is not in the state folder, because its content means nothing after the gateway has stopped.
    """
    try:
        folder = TemporaryDirectory(prefix="modegate-metrics-", ignore_cleanup_errors=True)
    except OSError as error:
        log.warning("workers do not share metrics: %s", error.strerror)
        yield None
        return
    with folder as path:
        yield Path(path)


class PublishedMetrics(Protocol):
    """Metrics that other processes can expose."""

    def publish(self) -> None:
        """Writes the current figures; never raises."""
        ...

    def close(self) -> None:
        """Writes the last figures."""
        ...


class MetricsSync:
    """Publishes the metrics once a second, in the background."""

    def __init__(self, metrics: PublishedMetrics) -> None:
        self._metrics = metrics
        self._task = BackgroundTask(self._run)

    async def start(self) -> None:
        """Publishes the first figures, and starts the background task."""
        self._metrics.publish()
        self._task.start()

    async def aclose(self) -> None:
        """Stops the background task, and publishes the last figures."""
        if self._task.is_started:
            await self._task.aclose()
            self._metrics.close()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PUBLISH_INTERVAL_S)
            self._metrics.publish()
