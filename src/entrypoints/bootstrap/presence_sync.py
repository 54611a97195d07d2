"""Tells the store that gateways share that this one lives."""

import asyncio
from contextlib import suppress
from typing import Protocol

from modegate.domain.errors import StorageError
from modegate.entrypoints.bootstrap.background import BackgroundTask

# Seconds between signs of life; a store that was started again gets one at once after that.
BEAT_INTERVAL_S = 1.0


class Presence(Protocol):
    """A gateway's signs of life."""

    async def beat(self) -> None:
        """Gives one."""
        ...

    async def leave(self) -> None:
        """Tells that the gateway ends."""
        ...


class PresenceSync:
    """Gives a sign of life at the start and then every second, which also notices a lost store."""

    def __init__(self, presence: Presence) -> None:
        self._presence = presence
        self._task = BackgroundTask(self._run)

    async def start(self) -> None:
        """Gives the first sign, and starts the background task."""
        await self._beat()
        self._task.start()

    async def aclose(self) -> None:
        """Stops the background task, and leaves the store."""
        await self._task.aclose()
        await self._presence.leave()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(BEAT_INTERVAL_S)
            await self._beat()

    async def _beat(self) -> None:
        with suppress(StorageError):  # logged by the connection
            await self._presence.beat()
