"""Takes over keys that other processes made, changed or revoked."""

import asyncio
import logging

from modegate.application.keys.registry import KeyRegistry
from modegate.domain.errors import GatewayError
from modegate.entrypoints.bootstrap.background import BackgroundTask

# Seconds between looks for the changes of other processes.
MERGE_INTERVAL_S = 0.5
# Seconds until a failed read is repeated.
RETRY_AFTER_S = 1.0

log = logging.getLogger(__name__)


class KeySync:
    """Loads the keys before the first request, then looks for changes in the background."""

    def __init__(self, registry: KeyRegistry) -> None:
        self._registry = registry
        self._task = BackgroundTask(self._run)
        self._store_works = True

    async def start(self) -> None:
        """Loads the keys, and starts the background task."""
        try:
            await self._registry.load()
        except GatewayError as error:
            self._report(error)
        self._task.start()

    async def aclose(self) -> None:
        """Stops the background task."""
        await self._task.aclose()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(MERGE_INTERVAL_S)
            try:
                await self._registry.merge()
                self._store_works = True
            except GatewayError as error:
                self._report(error)
                await asyncio.sleep(RETRY_AFTER_S)

    def _report(self, error: GatewayError) -> None:
        if self._store_works:
            log.error("keys of clients not read, will retry: %s", error.code)
        self._store_works = False
