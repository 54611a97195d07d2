"""Looks periodically for parked turns whose sessions have gone on at other gateways."""

import asyncio
import logging

from modegate.application.sessions.end_moved import EndMovedTurns
from modegate.entrypoints.bootstrap.background import BackgroundTask

# Seconds between two looks. The process is useless meanwhile, and costs its memory.
INTERVAL_S = 2.0

log = logging.getLogger(__name__)


class MovedTurnsSync:
    """Ends such turns, which would otherwise wait for results until their time is over."""

    def __init__(self, end_moved: EndMovedTurns) -> None:
        self._end_moved = end_moved
        self._task = BackgroundTask(self._run)

    async def start(self) -> None:
        """Starts the background task; returns immediately."""
        self._task.start()

    async def aclose(self) -> None:
        """Stops the background task."""
        await self._task.aclose()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            try:
                if ended := await self._end_moved.execute():
                    log.info("%d parked turns ended: other gateways have gone on", ended)
            except Exception:
                log.exception("search for moved turns failed, will retry")
