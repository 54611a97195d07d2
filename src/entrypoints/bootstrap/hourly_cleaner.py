"""Periodic deletion of what is old."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from modegate.domain.errors import GatewayError
from modegate.entrypoints.bootstrap.background import BackgroundTask

# Seconds after the start, which has more urgent work, and between two deletions.
DELAY_S = 30.0
INTERVAL_S = 3600.0

log = logging.getLogger(__name__)


class HourlyCleaner:
    """Deletes soon after the start, and then every hour.

    `expire` returns the number of what it deleted; `what` names that for the log.
    """

    def __init__(self, expire: Callable[[], Awaitable[int]], what: str) -> None:
        self._expire = expire
        self._what = what
        self._task = BackgroundTask(self._run)

    async def start(self) -> None:
        """Starts the background task; returns immediately."""
        self._task.start()

    async def aclose(self) -> None:
        """Stops the background task."""
        await self._task.aclose()

    async def _run(self) -> None:
        await asyncio.sleep(DELAY_S)
        while True:
            try:
                if deleted := await self._expire():
                    log.info("deleted %d old %s", deleted, self._what)
            except GatewayError as error:
                log.warning("cleanup of %s failed, will retry: %s", self._what, error.code)
            except Exception:
                log.exception("cleanup of %s failed, will retry", self._what)
            await asyncio.sleep(INTERVAL_S)
