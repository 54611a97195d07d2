"""The contract of a `BatchQueue`."""

import time
from dataclasses import replace

import pytest

from modegate.domain.access.client import ClientId
from modegate.domain.batches.batch import BatchCounts, BatchFault
from modegate.domain.batches.queued_item import QueueLoad
from modegate.domain.batches.state import BatchState
from modegate.domain.routing.mode import Mode
from modegate.testing.contracts.batch_items import BatchItemsContract
from modegate.testing.contracts.batch_samples import (
    CLIENT,
    LEASE_S,
    W1,
    W2,
    batch,
    entered,
    items,
    result,
)


@pytest.mark.anyio
class BatchQueueContract(BatchItemsContract):
    """Tests the empty queue that `queue` returns."""

    async def test_all_fields_of_a_batch_are_stored(self) -> None:
        async with self.queue() as queue:
            full = replace(
                batch(),
                mode=Mode.PASSTHROUGH,
                state=BatchState.FAILED,
                output_expires_after_s=3600.0,
                faults=(BatchFault(code="invalid_json", message="Not JSON.", line=3, param="url"),),
                output_file_id="file-mg_2",
                error_file_id="file-mg_3",
                in_progress_at=2.5,
                finalizing_at=3.5,
                completed_at=4.5,
                failed_at=5.5,
                expired_at=6.5,
                cancelling_at=7.5,
                cancelled_at=8.5,
            )
            await queue.add(full)
            assert await queue.get(full.id) == full
            bare = replace(batch(2), metadata=None)
            await queue.add(bare)
            assert await queue.get(bare.id) == bare

    async def test_an_unknown_batch_is_none(self) -> None:
        async with self.queue() as queue:
            assert await queue.get("batch_mg_0") is None
            assert await queue.change("batch_mg_0", lambda it: it) is None

    async def test_a_client_finds_its_own_batches_in_pages(self) -> None:
        async with self.queue() as queue:
            for number in (1, 2, 3, 4):
                await queue.add(batch(number))
            other = batch(5, client=ClientId("other"))
            await queue.add(other)
            found = await queue.find(CLIENT, limit=10)
            assert [it.id for it in found] == [batch(it).id for it in (4, 3, 2, 1)]
            page = await queue.find(CLIENT, after=batch(4).id, limit=2)
            assert [it.id for it in page] == [batch(3).id, batch(2).id]
            assert list(await queue.find(CLIENT, after=other.id, limit=2)) == []

    async def test_a_change_replaces_the_batch_but_not_its_counts(self) -> None:
        async with self.queue() as queue:
            await queue.add(batch())
            await queue.put_items(batch().id, items(2))
            changed = await queue.change(
                batch().id, lambda it: replace(it, error_file_id="e", counts=BatchCounts())
            )
            assert changed is not None
            assert (changed.error_file_id, changed.counts.total) == ("e", 2)
            assert await queue.get(batch().id) == changed

    async def test_a_refused_change_changes_nothing(self) -> None:
        async with self.queue() as queue:
            await queue.add(batch())
            before = await queue.get(batch().id)
            with pytest.raises(ValueError, match="cannot become"):
                await queue.change(batch().id, lambda it: entered(BatchState.COMPLETED, it))
            assert await queue.get(batch().id) == before

    async def test_a_batch_is_due_when_there_is_something_to_do(self) -> None:
        async with self.queue() as queue:
            assert await queue.take_due(W1) is None
            await queue.add(batch())
            due = await queue.take_due(W1)
            assert due is not None
            assert due.id == batch().id
            assert await queue.take_due(W2) is None
            await queue.put_items(due.id, items(1))
            await queue.change(due.id, lambda it: entered(BatchState.IN_PROGRESS, it))
            await queue.leave(W1, due.id)
            assert await queue.take_due(W2) is None
            await queue.claim(W1, 1)
            await queue.finish(result(due.id, "item-1"))
            finished = await queue.take_due(W2)
            assert finished is not None
            assert finished.counts.finished == 1

    async def test_an_expired_batch_is_due_when_nothing_of_it_runs(self) -> None:
        async with self.queue() as queue:
            batch_id = await self.started(queue, 2, expires_in=3600.0)
            await queue.claim(W1, 1)
            past = time.time() - 1
            await queue.change(batch_id, lambda it: replace(it, expires_at=past))
            assert await queue.take_due(W2) is None
            await queue.give_back(W1)
            due = await queue.take_due(W2)
            assert due is not None
            assert due.id == batch_id

    async def test_a_batch_taken_by_a_dead_worker_is_due_again(self) -> None:
        async with self.queue() as queue:
            await queue.add(batch())
            await queue.take_due(W1)
            assert await queue.take_due(W2) is None
            await self.pass_time(LEASE_S + 1)
            assert await queue.take_due(W2) is not None
            await queue.leave(W1, batch().id)
            assert await queue.take_due(W1) is None
            await queue.leave(W2, batch().id, 20.0)
            assert await queue.take_due(W1) is None
            await self.pass_time(21)
            assert await queue.take_due(W1) is not None

    async def test_the_load_counts_items_in_progress(self) -> None:
        async with self.queue() as queue:
            assert await queue.load() == QueueLoad()
            batch_id = await self.started(queue, 4)
            await queue.claim(W1, 2)
            await queue.finish(result(batch_id, "item-1"))
            assert sum(astuple_of(await queue.load())) == 3
            await queue.give_back(W1)
            assert await queue.load() == QueueLoad(waiting=3)
            await queue.claim(W1, 1)
            assert await queue.load() == QueueLoad(waiting=2, running=1)

    async def test_only_old_batches_that_have_ended_are_deleted(self) -> None:
        async with self.queue() as queue:
            for number in (1, 2, 3):
                await queue.add(batch(number))
            for number in (1, 2):
                failed = batch(number).id
                await queue.change(failed, lambda it: entered(BatchState.FAILED, it))
            latest = time.time() + 100
            assert await queue.expire(time.time() - 100, 10) == 0
            assert await queue.expire(latest, 1) == 1
            assert await queue.expire(latest, 10) == 1
            assert await queue.get(batch(3).id) is not None
            assert await queue.get(batch(1).id) is None


def astuple_of(load: QueueLoad) -> tuple[int, int]:
    """Returns the two numbers of a load."""
    return load.waiting, load.running
