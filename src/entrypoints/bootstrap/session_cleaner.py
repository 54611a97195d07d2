"""Periodic deletion of expired sessions."""

import asyncio
import logging
from contextlib import suppress

from modegate.application.sessions.expire import ExpireSessions
from modegate.domain.errors import GatewayError
from modegate.entrypoints.bootstrap.background import BackgroundTask

log = logging.getLogger(__name__)


class SessionCleaner:
    """Deletes expired sessions at start-up, and then every `interval` seconds."""

    def __init__(self, expire: ExpireSessions, interval: float) -> None:
        self._expire = expire
        self._interval = interval
        self._changed = asyncio.Event()
        self._task = BackgroundTask(self._run)

    def reconfigure(self, interval: float) -> None:
        """Deletes every `interval` seconds from now on."""
        if interval != self._interval:
            self._interval = interval
            self._changed.set()

    async def start(self) -> None:
        """Starts the background task; returns immediately."""
        self._task.start()

    async def aclose(self) -> None:
        """Stops the background task."""
        await self._task.aclose()

    async def _run(self) -> None:
        while True:
            try:
                if removed := await self._expire.execute():
                    log.info("removed %d expired sessions", removed)
            except GatewayError as error:
                log.warning("session cleanup failed, will retry: %s", error.code)
            except Exception:
                log.exception("session cleanup failed, will retry")
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._interval):
                    await self._changed.wait()
