"""Checks the storage for health requests, without waiting for a slow disk."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from modegate.application.check_health import CheckHealth
from modegate.application.ports.backend_status import StorageProbe
from modegate.domain.health import Health, StorageState

# How long the result of a check is valid.
FRESH_S = 1.0
# How long a response waits for a check; after that, it reports the last known state.
LONGEST_WAIT_S = 0.25
# A check that takes longer counts as failed.
LONGEST_CHECK_S = 5.0


class StorageWatch:
    """Checks the storage at most once per `FRESH_S`; concurrent requests share a check."""

    def __init__(self, probe: StorageProbe, now: Callable[[], float] = time.monotonic) -> None:
        self._probe = probe
        self._now = now
        self._checked_at = float("-inf")
        self._began_at = 0.0
        self._checking: asyncio.Task[None] | None = None

    async def refreshed(self, check: CheckHealth) -> Health:
        """Returns the health after a check of the storage, or after `LONGEST_WAIT_S`."""
        now = self._now()
        if self._checking is None and now - self._checked_at >= FRESH_S:
            self._began_at = now
            self._checking = asyncio.create_task(self._check())
        if self._checking is not None:
            await asyncio.wait({self._checking}, timeout=LONGEST_WAIT_S)
        health = check.execute()
        return replace(health, storage=StorageState.ERROR) if self._is_stuck() else health

    def _is_stuck(self) -> bool:
        late = self._now() - self._began_at >= LONGEST_CHECK_S
        return self._checking is not None and late

    async def _check(self) -> None:
        try:
            await self._probe.check_storage()
        finally:
            self._checked_at = self._now()
            self._checking = None
