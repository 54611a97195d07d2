"""The contract suite of batch queues, run on the memory queue and on broken fakes."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from support.contracts import duties_of, expect_failure

from modegate.adapters.memory.batch_queue import MemoryBatchQueue
from modegate.domain.access.client import ClientId
from modegate.domain.batches.batch import Batch
from modegate.domain.batches.queued_item import (
    ClaimedItem,
    FinishedItem,
    ItemUsage,
    QueuedItem,
    QueueLoad,
)
from modegate.domain.batches.state import BatchState
from modegate.testing.clock import FakeClock
from modegate.testing.contracts.batch_queue import BatchQueueContract
from modegate.testing.contracts.batch_samples import LEASE_S, W1


class TestMemoryBatchQueue(BatchQueueContract):
    @asynccontextmanager
    async def queue(self) -> AsyncIterator[MemoryBatchQueue]:
        self.clock = FakeClock(time.time())
        yield MemoryBatchQueue(self.clock, LEASE_S)

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)


class Forgetful(MemoryBatchQueue):
    async def add(self, batch: Batch) -> None:
        await super().add(replace(batch, error_file_id=None))


class Inventing(MemoryBatchQueue):
    async def change(self, batch_id: str, apply: Callable[[Batch], Batch]) -> Batch | None:
        del batch_id, apply
        raise KeyError


class FindsAll(MemoryBatchQueue):
    async def find(
        self, client: ClientId, *, after: str | None = None, limit: int
    ) -> Sequence[Batch]:
        del client, after
        return [it.batch for it in self._rows.values()][:limit]


class TakesCounts(MemoryBatchQueue):
    async def change(self, batch_id: str, apply: Callable[[Batch], Batch]) -> Batch | None:
        row = self._rows[batch_id]
        row.batch = apply(row.batch)
        return row.batch


class Swallowing(MemoryBatchQueue):
    async def change(self, batch_id: str, apply: Callable[[Batch], Batch]) -> Batch | None:
        try:
            return await super().change(batch_id, apply)
        except ValueError:
            return None


class AddsTwice(MemoryBatchQueue):
    async def put_items(self, batch_id: str, items: Sequence[QueuedItem]) -> None:
        renamed = [replace(it, custom_id=f"{it.custom_id}{len(items)}") for it in items]
        await super().put_items(batch_id, renamed)


class ClaimsAny(MemoryBatchQueue):
    async def claim(self, worker: str, limit: int) -> Sequence[ClaimedItem]:
        for row in self._rows.values():
            row.batch = replace(
                row.batch, state=BatchState.IN_PROGRESS, expires_at=time.time() + 99
            )
        return await super().claim(worker, limit)


class ClaimsTwice(MemoryBatchQueue):
    async def claim(self, worker: str, limit: int) -> Sequence[ClaimedItem]:
        claimed = await super().claim(worker, limit)
        self._seen.clear()
        return claimed


class Eternal(MemoryBatchQueue):
    def _is_held(self, worker: str | None) -> bool:
        return worker is not None


class Deaf(MemoryBatchQueue):
    async def heartbeat(self, worker: str) -> None:
        pass


class Hasty(MemoryBatchQueue):
    async def retry(self, worker: str, batch_id: str, custom_id: str, delay_s: float) -> None:
        await super().retry(worker, batch_id, custom_id, delay_s * 0)


class TakesAway(MemoryBatchQueue):
    async def give_back(self, worker: str) -> None:
        self._seen.pop(W1, None)
        await super().give_back(worker)


class CountsAll(MemoryBatchQueue):
    async def give_back(self, worker: str) -> None:
        for row in self._rows.values():
            for it in row.items.values():
                it.retries += 1
        await super().give_back(worker)


class LastWins(MemoryBatchQueue):
    async def finish(self, result: FinishedItem) -> bool:
        for row in self._rows.values():
            if (entry := row.items.get(result.custom_id)) is not None:
                entry.result = None
        return await super().finish(result)


class Strict(MemoryBatchQueue):
    async def finish(self, result: FinishedItem) -> bool:
        entry = self._rows[result.batch_id].items[result.custom_id]
        return entry.worker == W1 and await super().finish(result)


class Late(MemoryBatchQueue):
    async def finish(self, result: FinishedItem) -> bool:
        row = self._rows[result.batch_id]
        before = row.batch.state
        row.batch = replace(row.batch, state=BatchState.IN_PROGRESS)
        stored = await super().finish(result)
        row.batch = replace(row.batch, state=before)
        return stored


class Abrupt(MemoryBatchQueue):
    async def change(self, batch_id: str, apply: Callable[[Batch], Batch]) -> Batch | None:
        changed = await super().change(batch_id, apply)
        if changed is not None and changed.state is BatchState.CANCELLING:
            self._rows[batch_id].items.clear()
        return changed


class LosesUsage(MemoryBatchQueue):
    async def change(self, batch_id: str, apply: Callable[[Batch], Batch]) -> Batch | None:
        self._usage.clear()
        return await super().change(batch_id, apply)


class NeverRecorded(MemoryBatchQueue):
    async def mark_recorded(self, usages: Sequence[ItemUsage]) -> None:
        del usages


class NeverDue(MemoryBatchQueue):
    async def take_due(self, worker: str) -> Batch | None:
        del worker
        return None


class Loadless(MemoryBatchQueue):
    async def load(self) -> QueueLoad:
        return QueueLoad()


class DeletesAll(MemoryBatchQueue):
    async def expire(self, before: float, limit: int) -> int:
        deleted = await super().expire(before, limit)
        if deleted:
            self._rows.clear()
        return deleted


BROKEN: Mapping[str, type[MemoryBatchQueue]] = {
    "test_all_fields_of_a_batch_are_stored": Forgetful,
    "test_an_unknown_batch_is_none": Inventing,
    "test_a_client_finds_its_own_batches_in_pages": FindsAll,
    "test_a_change_replaces_the_batch_but_not_its_counts": TakesCounts,
    "test_a_refused_change_changes_nothing": Swallowing,
    "test_items_of_a_known_custom_id_are_ignored": AddsTwice,
    "test_items_are_claimed_only_while_the_batch_is_in_progress": ClaimsAny,
    "test_items_of_an_expired_batch_are_not_claimed": ClaimsAny,
    "test_an_item_is_claimed_by_one_of_many_workers": ClaimsTwice,
    "test_a_claim_ends_with_its_lease": Eternal,
    "test_a_heartbeat_renews_claims": Deaf,
    "test_a_failed_attempt_counts_and_waits": Hasty,
    "test_a_claim_of_another_worker_is_not_ended": TakesAway,
    "test_claims_that_are_given_back_do_not_count": CountsAll,
    "test_an_item_has_one_result": LastWins,
    "test_results_at_once_are_counted_once": LastWins,
    "test_a_result_of_a_lost_claim_counts_if_it_is_the_first": Strict,
    "test_a_batch_that_has_ended_takes_no_results": Late,
    "test_a_batch_that_is_cancelled_takes_the_last_results": Abrupt,
    "test_items_of_a_batch_that_has_ended_are_deleted_but_not_their_usage": LosesUsage,
    "test_usage_is_shown_until_it_is_recorded": NeverRecorded,
    "test_a_batch_is_due_when_there_is_something_to_do": NeverDue,
    "test_an_expired_batch_is_due_when_nothing_of_it_runs": NeverDue,
    "test_a_batch_taken_by_a_dead_worker_is_due_again": Eternal,
    "test_the_load_counts_items_in_progress": Loadless,
    "test_only_old_batches_that_have_ended_are_deleted": DeletesAll,
}


def test_every_duty_has_a_broken_queue() -> None:
    assert set(BROKEN) == duties_of(BatchQueueContract)


@pytest.mark.parametrize(("duty", "broken"), BROKEN.items())
async def test_a_broken_queue_fails_its_duty(duty: str, broken: type[MemoryBatchQueue]) -> None:
    class Suite(BatchQueueContract):
        @asynccontextmanager
        async def queue(self) -> AsyncIterator[MemoryBatchQueue]:
            self.clock = FakeClock(time.time())
            yield broken(self.clock, LEASE_S)

        async def pass_time(self, seconds: float) -> None:
            self.clock.advance(seconds)

    await expect_failure(getattr(Suite(), duty))
