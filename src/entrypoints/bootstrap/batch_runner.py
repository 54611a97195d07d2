"""The worker that runs the items of batches in this process."""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from functools import partial

from modegate.application.batches.advance import AdvanceBatch
from modegate.application.batches.last_load import LastLoad
from modegate.application.batches.run_item import DelayedItem, Outcome, RunItem
from modegate.application.ports.batch_queue import BatchQueue
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.application.ports.usage_ledger import UsageLedger
from modegate.dialects.batch import render_failure
from modegate.domain.batches.batch import Batch
from modegate.domain.batches.queued_item import ClaimedItem, FinishedItem
from modegate.domain.errors import GatewayError
from modegate.lazy_dataclass import dataclass

# Seconds between two looks for the work of other processes.
IDLE_S = 1.0
# Seconds; much shorter than the leases of queues.
HEARTBEAT_S = 2.0
FAILED_DELAY_S = 5.0
USAGE_ROWS = 500
INTERNAL = ("internal_error", "The gateway could not run the request.")
UNSTORED = "result of a batch not stored, will retry"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchWork:
    """The parts that a runner needs."""

    queue: BatchQueue
    run_item: RunItem
    advance: AdvanceBatch
    ledger: UsageLedger
    configuration: ConfigurationSource


class BatchRunner:
    """Claims items up to the concurrency of batches, runs them, and advances batches that are due.

    Nothing is claimed while `is_paused`.
    """

    def __init__(self, work: BatchWork, last_load: LastLoad) -> None:
        self.is_paused: Callable[[], bool] = lambda: False
        self._work = work
        self._worker = uuid.uuid4().hex
        self._items: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._advancing: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._has_usage = True  # a killed process may have left some
        self._beat_at = 0.0
        self._last_load = last_load
        self._load_at = float("-inf")

    def wake(self) -> None:
        """Looks for work at once."""
        self._wake.set()

    async def start(self) -> None:
        """Starts the background task; returns immediately."""
        self._task = asyncio.create_task(self._run())

    async def drain(self, patience_s: float) -> None:
        """Claims nothing more, and waits for what runs, for `patience_s` seconds."""
        self._stopping = True
        self.wake()
        if running := self._running:
            await asyncio.wait(running, timeout=patience_s)

    async def aclose(self) -> None:
        """Stops what still runs, and gives all claims back."""
        self._stopping = True
        tasks = [*self._running, *(() if self._task is None else (self._task,))]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._task is not None:
            self._task = None
            await self._safely(self._record_usage, "usage of batches not recorded")
            await self._safely(self._give_back, "claims of batches not given back")

    @property
    def _running(self) -> list[asyncio.Task[None]]:
        return [*self._items.values(), *(() if self._advancing is None else (self._advancing,))]

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            await self._safely(self._look, "batches not run, will retry")
            try:
                async with asyncio.timeout(IDLE_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        """Claims what there is room for, and does what is to be done regularly."""
        work, now = self._work, time.monotonic()
        if self._running and now - self._beat_at >= HEARTBEAT_S:
            self._beat_at = now
            await work.queue.heartbeat(self._worker)
        if not (self._stopping or self.is_paused()):
            room = work.configuration.current().batches.concurrency - len(self._items)
            if room > 0:
                for claimed in await work.queue.claim(self._worker, room):
                    self._start(claimed)
            if self._advancing is None and (due := await work.queue.take_due(self._worker)):
                self._advancing = asyncio.create_task(self._advance(due))
        if self._has_usage:
            await self._record_usage()
        if now - self._load_at >= IDLE_S:
            self._load_at = now
            self._last_load.value = await work.queue.load()

    def _start(self, claimed: ClaimedItem) -> None:
        key = (claimed.batch_id, claimed.item.custom_id)
        if key not in self._items:  # else a late heartbeat has cost its claim
            self._items[key] = asyncio.create_task(self._run_item(key, claimed))

    async def _run_item(self, key: tuple[str, str], claimed: ClaimedItem) -> None:
        try:
            await self._store(claimed, await self._outcome(claimed))
        except Exception:
            log.exception("item of a batch failed")
            await self._safely(partial(self._give_up, claimed), "item of a batch not finished")
        finally:
            self._has_usage = True
            del self._items[key]
            self.wake()

    async def _outcome(self, claimed: ClaimedItem) -> Outcome:
        try:
            return await self._work.run_item.execute(claimed)
        except GatewayError as error:
            log.warning("item of a batch not run, will retry: %s", error.code)
            return DelayedItem(FAILED_DELAY_S)

    async def _store(self, claimed: ClaimedItem, outcome: Outcome) -> None:
        queue = self._work.queue
        match outcome:
            case FinishedItem():
                await self._persistently(partial(queue.finish, outcome), UNSTORED)
            case DelayedItem(delay_s):
                key = (claimed.batch_id, claimed.item.custom_id)
                retry = partial(queue.retry, self._worker, *key, delay_s)
                await self._persistently(retry, UNSTORED)
            case None:
                return

    async def _give_up(self, claimed: ClaimedItem) -> None:
        """Ends an item that modegate cannot run; the log says why."""
        failed = FinishedItem(
            batch_id=claimed.batch_id,
            custom_id=claimed.item.custom_id,
            is_failed=True,
            line=render_failure(claimed.item.custom_id, *INTERNAL),
        )
        await self._persistently(partial(self._work.queue.finish, failed), UNSTORED)

    async def _advance(self, batch: Batch) -> None:
        delay_s = 0.0
        try:
            if batch.counts.total:
                await self._record_usage()  # seen when the batch is shown as completed
            await self._work.advance.execute(batch)
        except GatewayError as error:
            delay_s = FAILED_DELAY_S
            log.warning("batch not advanced, will retry: %s", error.code)
        except Exception:
            delay_s = FAILED_DELAY_S
            log.exception("batch not advanced, will retry")
        leave = partial(self._work.queue.leave, self._worker, batch.id, delay_s)
        try:
            await self._persistently(leave, "batch not given back, will retry")
        except Exception:
            log.exception("batch not given back")
        finally:
            self._advancing = None
            self.wake()

    async def _persistently(self, do: Callable[[], Awaitable[object]], failure: str) -> None:
        """Repeats what must be stored while the store is away.

        An answer may have been paid for, and this worker lives, so no other one would do it.
        """
        is_told = False
        while True:
            try:
                await do()
            except GatewayError as error:
                if not is_told:
                    log.warning("%s: %s", failure, error.code)
                    is_told = True
                await asyncio.sleep(IDLE_S)
            else:
                return

    async def _record_usage(self) -> None:
        """Enters the usage of results into the ledger; a repetition enters nothing twice."""
        self._has_usage = False
        while usages := await self._work.queue.unrecorded(USAGE_ROWS):
            await self._work.ledger.put([it.row for it in usages])
            await self._work.queue.mark_recorded(usages)

    async def _give_back(self) -> None:
        await self._work.queue.give_back(self._worker)

    async def _safely(self, do: Callable[[], Awaitable[None]], failure: str) -> None:
        try:
            await do()
        except GatewayError as error:
            self._has_usage = True
            log.warning("%s: %s", failure, error.code)
        except Exception:
            log.exception(failure)
