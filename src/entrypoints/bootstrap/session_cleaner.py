"""Removes expired sessions now and then."""

import asyncio
import logging

from modegate.application.sessions.expire import ExpireSessions
from modegate.domain.errors import GatewayError

log = logging.getLogger(__name__)


class SessionCleaner:
    """Looks at its start, and then every `interval` seconds."""

    def __init__(self, expire: ExpireSessions, interval: float) -> None:
        self._expire = expire
        self._interval = interval
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; returns at once."""
        self._task = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})  # unlike an await of the task: only ours is raised

    async def _run(self) -> None:
        while True:
            try:
                if removed := await self._expire.execute():
                    log.info("removed %d expired sessions", removed)
            except GatewayError as error:
                log.warning("expired sessions stay for now: %s", error.code)
            except Exception:
                log.exception("expired sessions stay for now")
            await asyncio.sleep(self._interval)
