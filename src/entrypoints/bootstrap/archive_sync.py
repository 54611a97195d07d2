"""Looks after the archive of transcripts: its health, and the turns that it could not take."""

import asyncio
import logging
import time

from modegate.application.ports.backend_status import ArchiveProbe
from modegate.application.sessions.store_late import StoreLateTurns
from modegate.domain.health import ArchiveState
from modegate.entrypoints.bootstrap.background import BackgroundTask

# Seconds between two looks, and between two writes to an archive that works.
INTERVAL_S = 2.0
CHECK_INTERVAL_S = 60.0

log = logging.getLogger(__name__)


class ArchiveSync:
    """Checks the archive by a write, often while it is away, and stores turns once it is back."""

    def __init__(self, archive: ArchiveProbe, late: StoreLateTurns) -> None:
        self._archive = archive
        self._late = late
        self._checked_at = float("-inf")
        self._task = BackgroundTask(self._run)

    async def start(self) -> None:
        """Starts the background task; returns immediately."""
        self._task.start()

    async def aclose(self) -> None:
        """Stops the background task."""
        await self._task.aclose()

    async def look(self) -> None:
        """Looks once."""
        is_due = time.monotonic() - self._checked_at >= CHECK_INTERVAL_S
        if is_due or self._archive.archive_state() is ArchiveState.WARN:
            self._checked_at = time.monotonic()
            await self._archive.check_archive()
        if self._archive.archive_state() is ArchiveState.OK:
            stored = await self._late.execute()
            if stored:
                log.info("%d turns stored that the archive could not take before", stored)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("archive of transcripts not checked, will retry")
            await asyncio.sleep(INTERVAL_S)
