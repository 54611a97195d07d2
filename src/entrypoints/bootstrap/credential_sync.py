"""Loads and saves the states of credentials in the background."""

import asyncio
import logging
from contextlib import suppress

from modegate.application.credentials.states import CredentialStates
from modegate.domain.credentials.state import Cooldown
from modegate.domain.errors import GatewayError

# Seconds until a changed state is saved, and until counts are saved.
SAVE_STATE_AFTER_S = 0.02
SAVE_COUNTS_AFTER_S = 1.0
# Seconds between looks for the changes of other gateways.
MERGE_INTERVAL_S = 0.5
# Seconds until a failed read or write is repeated.
RETRY_AFTER_S = 1.0

log = logging.getLogger(__name__)


def log_cooldown(credential_id: str, cooldown: Cooldown) -> None:
    """Logs that a credential is not used for a time."""
    seconds = round(cooldown.until - cooldown.since, 1)
    fields = {"credential": credential_id, "reason": cooldown.reason, "seconds": seconds}
    log.warning("credential cools down", extra={"fields": fields})


class CredentialSync:
    """Keeps the states in memory and in the store equal, behind the requests."""

    def __init__(self, states: CredentialStates) -> None:
        self._states = states
        self._changed = asyncio.Event()
        self._is_urgent = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._store_works = True

    async def start(self) -> None:
        """Loads the states, and starts the background tasks."""
        await self._states.load()
        self._states.on_change = self._note
        self._tasks = [asyncio.create_task(self._save()), asyncio.create_task(self._merge())]

    async def aclose(self) -> None:
        """Stops the background tasks and saves what is unsaved."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._states.aclose()

    def _note(self, *, urgent: bool) -> None:
        self._changed.set()
        if urgent:
            self._is_urgent.set()

    async def _save(self) -> None:
        while True:
            await self._changed.wait()
            with suppress(TimeoutError):
                async with asyncio.timeout(SAVE_COUNTS_AFTER_S):
                    await self._is_urgent.wait()
                    await asyncio.sleep(SAVE_STATE_AFTER_S)
            self._changed.clear()
            self._is_urgent.clear()
            try:
                await self._states.save()
                self._store_works = True
            except GatewayError as error:
                self._report(error)
                await asyncio.sleep(RETRY_AFTER_S)
                self._changed.set()

    async def _merge(self) -> None:
        while True:
            await asyncio.sleep(MERGE_INTERVAL_S)
            try:
                await self._states.merge()
            except GatewayError as error:
                self._report(error)
                await asyncio.sleep(RETRY_AFTER_S)

    def _report(self, error: GatewayError) -> None:
        if self._store_works:
            log.error("states of credentials not stored, will retry: %s", error.code)
        self._store_works = False
