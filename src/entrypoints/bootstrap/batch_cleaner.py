"""Periodic deletion of old batches and their files."""

import asyncio
import logging

from modegate.application.batches.expire import ExpireBatches
from modegate.domain.errors import GatewayError

# Seconds after the start, which has more urgent work, and between two deletions.
DELAY_S = 30.0
INTERVAL_S = 3600.0

log = logging.getLogger(__name__)


class BatchCleaner:
    """Deletes them soon after the start, and then every hour."""

    def __init__(self, expire: ExpireBatches) -> None:
        self._expire = expire
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Starts the background task; returns immediately."""
        self._task = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """Stops the background task."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        await asyncio.sleep(DELAY_S)
        while True:
            try:
                if deleted := await self._expire.execute():
                    log.info("deleted %d old batches and files", deleted)
            except GatewayError as error:
                log.warning("cleanup of batches failed, will retry: %s", error.code)
            except Exception:
                log.exception("cleanup of batches failed, will retry")
            await asyncio.sleep(INTERVAL_S)
