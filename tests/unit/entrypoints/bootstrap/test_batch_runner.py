"""The worker of batches while its queue cannot be written."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from support.waiting import until

from modegate.adapters.memory.batch_queue import MemoryBatchQueue
from modegate.application.batches.last_load import LastLoad
from modegate.application.batches.run_item import DelayedItem, Outcome
from modegate.domain.batches.batch import Batch
from modegate.domain.batches.queued_item import ClaimedItem, FinishedItem
from modegate.domain.batches.state import BatchState
from modegate.domain.errors.catalogue import ledger
from modegate.entrypoints.bootstrap import batch_runner
from modegate.entrypoints.bootstrap.batch_runner import BatchRunner, BatchWork
from modegate.testing.clock import FakeClock
from modegate.testing.contracts.batch_samples import batch, entered, items, result

FAILURES = 3


class FailingQueue(MemoryBatchQueue):
    """Fails each of its last steps a few times."""

    def __init__(self) -> None:
        super().__init__(FakeClock())
        self._left = dict.fromkeys(("finish", "retry", "leave"), FAILURES)

    def _fail(self, step: str) -> None:
        if self._left[step]:
            self._left[step] -= 1
            raise ledger.unreachable()

    async def finish(self, result: FinishedItem) -> bool:
        self._fail("finish")
        return await super().finish(result)

    async def retry(self, worker: str, batch_id: str, custom_id: str, delay_s: float) -> None:
        self._fail("retry")
        await super().retry(worker, batch_id, custom_id, delay_s)

    async def leave(self, worker: str, batch_id: str, delay_s: float = 0.0) -> None:
        self._fail("leave")
        await super().leave(worker, batch_id, delay_s)


class Work:
    """Stands in for the use cases: items have `outcomes`, and batches end at once."""

    def __init__(self, queue: MemoryBatchQueue, *outcomes: Outcome) -> None:
        self._queue = queue
        self._outcomes = list(outcomes)
        self.run: list[str] = []
        self.advanced: list[BatchState] = []

    async def execute(self, given: ClaimedItem | Batch) -> Outcome:
        if isinstance(given, ClaimedItem):
            self.run.append(given.item.custom_id)
            return self._outcomes.pop(0)
        self.advanced.append(given.state)
        done = given.state is BatchState.FINALIZING
        state = BatchState.COMPLETED if done else BatchState.FINALIZING
        await self._queue.change(given.id, lambda it: entered(state, it))
        return None

    def current(self) -> Any:
        return self

    batches = property(lambda self: self)
    concurrency = 4


@asynccontextmanager
async def running(queue: MemoryBatchQueue, work: Work) -> AsyncIterator[None]:
    await queue.add(batch())
    await queue.put_items(batch().id, items(1))
    await queue.change(batch().id, lambda it: entered(BatchState.IN_PROGRESS, it))
    part = cast("Any", work)
    parts = BatchWork(queue=queue, run_item=part, advance=part, ledger=part, configuration=part)
    runner = BatchRunner(parts, LastLoad())
    await runner.start()
    try:
        yield
    finally:
        await runner.aclose()


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_runner, "IDLE_S", 0.01)


async def test_an_answer_is_stored_when_the_queue_comes_back_and_not_asked_for_again() -> None:
    queue = FailingQueue()
    work = Work(queue, DelayedItem(0.0), result(batch().id, "item-1"))
    async with running(queue, work):
        await until(lambda: work.advanced == [BatchState.IN_PROGRESS, BatchState.FINALIZING])
        assert work.run == ["item-1", "item-1"]
        found = await queue.get(batch().id)
        assert found is not None
        assert (found.state, found.counts.completed) == (BatchState.COMPLETED, 1)
