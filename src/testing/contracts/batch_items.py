"""The contract of a `BatchQueue`: items, claims and results."""

import asyncio
from abc import ABC, abstractmethod
from contextlib import AbstractAsyncContextManager

import pytest

from modegate.application.ports.batch_queue import BatchQueue
from modegate.domain.batches.batch import BatchCounts
from modegate.domain.batches.state import BatchState
from modegate.domain.routing.mode import Mode
from modegate.testing.contracts.batch_samples import (
    CLIENT,
    LEASE_S,
    W1,
    W2,
    batch,
    entered,
    items,
    result,
    usage,
)


@pytest.mark.anyio
class BatchItemsContract(ABC):
    """Tests the items of the batches in the empty queue that `queue` returns."""

    @abstractmethod
    def queue(self) -> AbstractAsyncContextManager[BatchQueue]:
        """Returns the context of a new, empty queue with leases of `LEASE_S` seconds."""

    @abstractmethod
    async def pass_time(self, seconds: float) -> None:
        """Lets the time of leases and delays of the last queue pass, without a wait.

        A queue on a server may move the times that it has stored into the past instead.
        """

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop library."""
        return "asyncio"

    async def started(
        self, queue: BatchQueue, count: int, number: int = 1, expires_in: float = 86_400.0
    ) -> str:
        """Adds a batch in progress with a number of items, and returns its id."""
        added = batch(number, expires_in=expires_in)
        await queue.add(added)
        await queue.put_items(added.id, items(count))
        await queue.change(added.id, lambda it: entered(BatchState.IN_PROGRESS, it))
        return added.id

    async def test_items_of_a_known_custom_id_are_ignored(self) -> None:
        async with self.queue() as queue:
            await queue.add(batch())
            await queue.put_items(batch().id, items(3))
            await queue.put_items(batch().id, items(3, start=2))
            found = await queue.get(batch().id)
            assert found is not None
            assert found.counts == BatchCounts(total=4)
            page = await queue.page(batch().id, 1, 2)
            assert [(it.number, it.custom_id, it.line) for it in page] == [
                (2, "item-2", None),
                (3, "item-3", None),
            ]

    async def test_items_are_claimed_only_while_the_batch_is_in_progress(self) -> None:
        async with self.queue() as queue:
            await queue.add(batch())
            await queue.put_items(batch().id, items(2))
            assert list(await queue.claim(W1, 2)) == []
            await queue.change(batch().id, lambda it: entered(BatchState.IN_PROGRESS, it))
            (claimed,) = await queue.claim(W1, 1)
            assert (claimed.batch_id, claimed.client) == (batch().id, CLIENT)
            assert (claimed.mode, claimed.endpoint) == (Mode.CLAUDE_CODE, "/v1/chat/completions")
            assert claimed.item in items(2)
            assert claimed.retries == 0
            await queue.change(batch().id, lambda it: entered(BatchState.CANCELLING, it))
            assert list(await queue.claim(W1, 2)) == []

    async def test_items_of_an_expired_batch_are_not_claimed(self) -> None:
        async with self.queue() as queue:
            await self.started(queue, 1, expires_in=-1.0)
            assert list(await queue.claim(W1, 1)) == []

    async def test_an_item_is_claimed_by_one_of_many_workers(self) -> None:
        async with self.queue() as queue:
            await self.started(queue, 20)
            await self.started(queue, 20, number=2)
            rounds = await asyncio.gather(*(queue.claim(f"w{it}", 6) for it in range(8)))
            found = [(it.batch_id, it.item.number) for claims in rounds for it in claims]
            assert len(found) == len(set(found)) == 40

    async def test_a_claim_ends_with_its_lease(self) -> None:
        async with self.queue() as queue:
            await self.started(queue, 1)
            await queue.claim(W1, 1)
            await self.pass_time(LEASE_S - 10)
            assert list(await queue.claim(W2, 1)) == []
            await self.pass_time(11)
            (claimed,) = await queue.claim(W2, 1)
            assert claimed.retries == 0

    async def test_a_heartbeat_renews_claims(self) -> None:
        async with self.queue() as queue:
            await self.started(queue, 2)
            await queue.claim(W1, 2)
            await self.pass_time(LEASE_S - 10)
            await queue.heartbeat(W1)
            await self.pass_time(LEASE_S - 10)
            assert list(await queue.claim(W2, 2)) == []

    async def test_a_failed_attempt_counts_and_waits(self) -> None:
        async with self.queue() as queue:
            batch_id = await self.started(queue, 1)
            await queue.claim(W1, 1)
            await queue.retry(W1, batch_id, "item-1", 20.0)
            assert list(await queue.claim(W2, 1)) == []
            await self.pass_time(21)
            (claimed,) = await queue.claim(W2, 1)
            assert claimed.retries == 1

    async def test_a_claim_of_another_worker_is_not_ended(self) -> None:
        async with self.queue() as queue:
            batch_id = await self.started(queue, 1)
            await queue.claim(W1, 1)
            await queue.retry(W2, batch_id, "item-1", 0.0)
            await queue.give_back(W2)
            assert list(await queue.claim(W2, 1)) == []

    async def test_claims_that_are_given_back_do_not_count(self) -> None:
        async with self.queue() as queue:
            await self.started(queue, 2)
            await queue.claim(W1, 2)
            await queue.give_back(W1)
            assert [it.retries for it in await queue.claim(W2, 2)] == [0, 0]

    async def test_an_item_has_one_result(self) -> None:
        async with self.queue() as queue:
            batch_id = await self.started(queue, 3)
            await queue.claim(W1, 3)
            assert await queue.finish(result(batch_id, "item-1"))
            assert not await queue.finish(result(batch_id, "item-1", is_failed=True))
            assert await queue.finish(result(batch_id, "item-2", is_failed=True))
            assert not await queue.finish(result(batch_id, "other"))
            found = await queue.get(batch_id)
            assert found is not None
            assert found.counts == BatchCounts(total=3, completed=1, failed=1)
            page = await queue.page(batch_id, 0, 10)
            assert [(it.is_failed, it.line) for it in page] == [
                (False, b"item-1"),
                (True, b"item-2"),
                (False, None),
            ]

    async def test_results_at_once_are_counted_once(self) -> None:
        async with self.queue() as queue:
            batch_id = await self.started(queue, 5)
            await queue.claim(W1, 5)
            results = [result(batch_id, f"item-{it % 5 + 1}", row=usage(it)) for it in range(20)]
            stored = await asyncio.gather(*map(queue.finish, results))
            found = await queue.get(batch_id)
            assert found is not None
            assert (sum(stored), found.counts.completed) == (5, 5)
            assert len(await queue.unrecorded(10)) == 5

    async def test_a_result_of_a_lost_claim_counts_if_it_is_the_first(self) -> None:
        async with self.queue() as queue:
            batch_id = await self.started(queue, 1)
            await queue.claim(W1, 1)
            await self.pass_time(LEASE_S + 1)
            await queue.claim(W2, 1)
            assert await queue.finish(result(batch_id, "item-1"))
            assert not await queue.finish(result(batch_id, "item-1"))
            await self.pass_time(LEASE_S + 1)
            assert list(await queue.claim(W1, 1)) == []

    async def test_a_batch_that_has_ended_takes_no_results(self) -> None:
        async with self.queue() as queue:
            batch_id = await self.started(queue, 1)
            await queue.claim(W1, 1)
            await queue.change(batch_id, lambda it: entered(BatchState.FINALIZING, it))
            assert not await queue.finish(result(batch_id, "item-1"))

    async def test_a_batch_that_is_cancelled_takes_the_last_results(self) -> None:
        async with self.queue() as queue:
            batch_id = await self.started(queue, 2)
            await queue.claim(W1, 1)
            await queue.change(batch_id, lambda it: entered(BatchState.CANCELLING, it))
            assert await queue.take_due(W2) is None
            assert await queue.finish(result(batch_id, "item-1"))
            due = await queue.take_due(W2)
            assert due is not None
            assert (due.state, due.counts.completed) == (BatchState.CANCELLING, 1)

    async def test_items_of_a_batch_that_has_ended_are_deleted_but_not_their_usage(self) -> None:
        async with self.queue() as queue:
            batch_id = await self.started(queue, 1)
            await queue.claim(W1, 1)
            row = usage(1)
            await queue.finish(result(batch_id, "item-1", row=row))
            await queue.change(batch_id, lambda it: entered(BatchState.FINALIZING, it))
            ended = await queue.change(batch_id, lambda it: entered(BatchState.COMPLETED, it))
            assert ended is not None
            assert ended.counts == BatchCounts(total=1, completed=1)
            assert await queue.get(batch_id) == ended
            assert list(await queue.page(batch_id, 0, 10)) == []
            assert [it.row for it in await queue.unrecorded(10)] == [row]

    async def test_usage_is_shown_until_it_is_recorded(self) -> None:
        async with self.queue() as queue:
            batch_id = await self.started(queue, 3)
            await queue.claim(W1, 3)
            rows = [usage(it) for it in (1, 2)]
            for number, row in enumerate(rows, 1):
                await queue.finish(result(batch_id, f"item-{number}", row=row))
            await queue.finish(result(batch_id, "item-3"))
            found = await queue.unrecorded(10)
            assert [(it.batch_id, it.custom_id, it.row) for it in found] == [
                (batch_id, "item-1", rows[0]),
                (batch_id, "item-2", rows[1]),
            ]
            assert list(await queue.unrecorded(1)) == found[:1]
            await queue.mark_recorded(found[:1])
            await queue.mark_recorded(found[:1])
            assert list(await queue.unrecorded(10)) == found[1:]
