"""Batches and their items in memory; they end with the process."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace

from modegate.application.ports.clock import Clock
from modegate.domain.access.client import ClientId
from modegate.domain.batches.batch import Batch
from modegate.domain.batches.queued_item import (
    ClaimedItem,
    FinishedItem,
    ItemUsage,
    ListedItem,
    QueuedItem,
    QueueLoad,
)
from modegate.domain.batches.state import BatchState
from modegate.lazy_dataclass import dataclass

LEASE_S = 30.0
TAKES_RESULTS = frozenset({BatchState.IN_PROGRESS, BatchState.CANCELLING})
ALWAYS_DUE = frozenset({BatchState.VALIDATING, BatchState.FINALIZING})


@dataclass(slots=True)
class _Item:
    item: QueuedItem
    worker: str | None = None
    retries: int = 0
    ready_at: float = 0.0
    result: FinishedItem | None = None


@dataclass(slots=True)
class _Row:
    batch: Batch
    items: dict[str, _Item] = field(default_factory=dict)
    worker: str | None = None
    due_at: float = 0.0


class MemoryBatchQueue:
    """Keeps everything in dictionaries, for jobs of one process and for tests."""

    def __init__(self, clock: Clock, lease_s: float = LEASE_S) -> None:
        self._clock = clock
        self._lease_s = lease_s
        self._rows: dict[str, _Row] = {}
        self._seen: dict[str, float] = {}
        self._usage: dict[tuple[str, str], ItemUsage] = {}

    async def add(self, batch: Batch) -> None:
        """Stores a new batch."""
        self._rows[batch.id] = _Row(batch)

    async def get(self, batch_id: str) -> Batch | None:
        """Returns the batch, or None."""
        row = self._rows.get(batch_id)
        return None if row is None else row.batch

    async def find(
        self, client: ClientId, *, after: str | None = None, limit: int
    ) -> Sequence[Batch]:
        """Returns one page of a client's batches."""
        found = [it.batch for it in self._rows.values() if it.batch.client == client]
        found.sort(key=lambda it: (it.created_at, it.id), reverse=True)
        ids = [it.id for it in found]
        if after is not None:
            found = found[ids.index(after) + 1 :] if after in ids else []
        return found[:limit]

    async def change(self, batch_id: str, apply: Callable[[Batch], Batch]) -> Batch | None:
        """Replaces a batch."""
        row = self._rows.get(batch_id)
        if row is None:
            return None
        row.batch = replace(apply(row.batch), counts=row.batch.counts)
        if row.batch.state.is_final:
            row.items.clear()
        return row.batch

    async def put_items(self, batch_id: str, items: Sequence[QueuedItem]) -> None:
        """Adds items to a batch."""
        row = self._rows.get(batch_id)
        if row is None or row.batch.state is not BatchState.VALIDATING:
            return
        for item in items:
            row.items.setdefault(item.custom_id, _Item(item))
        counts = replace(row.batch.counts, total=len(row.items))
        row.batch = replace(row.batch, counts=counts)

    async def claim(self, worker: str, limit: int) -> Sequence[ClaimedItem]:
        """Claims waiting items."""
        self._see(worker)
        claimed: list[ClaimedItem] = []
        now = self._clock.now()
        for row, entry in self._waiting():
            if len(claimed) < limit and entry.ready_at <= now:
                entry.worker = worker
                claimed.append(_claimed(row.batch, entry))
        return claimed

    async def heartbeat(self, worker: str) -> None:
        """Renews all claims of a worker."""
        self._see(worker)

    async def retry(self, worker: str, batch_id: str, custom_id: str, delay_s: float) -> None:
        """Ends a claim after a failed attempt."""
        row = self._rows.get(batch_id)
        entry = None if row is None else row.items.get(custom_id)
        if entry is not None and entry.worker == worker and entry.result is None:
            entry.worker = None
            entry.retries += 1
            entry.ready_at = self._clock.now() + delay_s

    async def give_back(self, worker: str) -> None:
        """Ends all claims of a worker."""
        for row in self._rows.values():
            if row.worker == worker:
                row.worker = None
            for entry in row.items.values():
                if entry.worker == worker:
                    entry.worker = None

    async def finish(self, result: FinishedItem) -> bool:
        """Stores the first result of an item."""
        row = self._rows.get(result.batch_id)
        entry = None if row is None else row.items.get(result.custom_id)
        if row is None or entry is None or row.batch.state not in TAKES_RESULTS or entry.result:
            return False
        entry.result, entry.worker = result, None
        counts = row.batch.counts
        counts = (
            replace(counts, failed=counts.failed + 1)
            if result.is_failed
            else replace(counts, completed=counts.completed + 1)
        )
        row.batch = replace(row.batch, counts=counts)
        if result.usage is not None:
            key = (result.batch_id, result.custom_id)
            self._usage[key] = ItemUsage(batch_id=key[0], custom_id=key[1], row=result.usage)
        return True

    async def page(self, batch_id: str, after: int, limit: int) -> Sequence[ListedItem]:
        """Returns items by number."""
        row = self._rows.get(batch_id)
        items = [] if row is None else sorted(row.items.values(), key=lambda it: it.item.number)
        return [_outcome(it) for it in items if it.item.number > after][:limit]

    async def take_due(self, worker: str) -> Batch | None:
        """Claims a batch for which there is something to do."""
        self._see(worker)
        for row in self._rows.values():
            is_free = not self._is_held(row.worker) and row.due_at <= self._clock.now()
            if is_free and self._is_due(row):
                row.worker = worker
                return row.batch
        return None

    async def leave(self, worker: str, batch_id: str, delay_s: float = 0.0) -> None:
        """Ends the claim of a worker on a batch."""
        row = self._rows.get(batch_id)
        if row is not None and row.worker == worker:
            row.worker = None
            row.due_at = self._clock.now() + delay_s

    async def unrecorded(self, limit: int) -> Sequence[ItemUsage]:
        """Returns usage that is to be recorded."""
        return list(self._usage.values())[:limit]

    async def mark_recorded(self, usages: Sequence[ItemUsage]) -> None:
        """Forgets usage."""
        for it in usages:
            self._usage.pop((it.batch_id, it.custom_id), None)

    async def load(self) -> QueueLoad:
        """Returns how many items wait and run."""
        rows = [it for it in self._rows.values() if it.batch.state is BatchState.IN_PROGRESS]
        open_items = sum(it.result is None for row in rows for it in row.items.values())
        running = sum(self._running(row) for row in rows)
        return QueueLoad(open_items - running, running)

    async def expire(self, before: float, limit: int) -> int:
        """Deletes old batches."""
        old = [
            it.batch.id
            for it in self._rows.values()
            if it.batch.state.is_final and it.batch.created_at < before
        ][:limit]
        for batch_id in old:
            del self._rows[batch_id]
        return len(old)

    def _see(self, worker: str) -> None:
        self._seen[worker] = self._clock.now()

    def _is_held(self, worker: str | None) -> bool:
        """Returns whether a living worker has a claim."""
        if worker is None:
            return False
        return self._seen.get(worker, 0.0) + self._lease_s > self._clock.now()

    def _waiting(self) -> Iterator[tuple[_Row, _Item]]:
        for row in self._rows.values():
            if row.batch.state is BatchState.IN_PROGRESS and not self._has_expired(row.batch):
                for entry in row.items.values():
                    if entry.result is None and not self._is_held(entry.worker):
                        yield row, entry

    def _running(self, row: _Row) -> int:
        return sum(it.result is None and self._is_held(it.worker) for it in row.items.values())

    def _has_expired(self, batch: Batch) -> bool:
        return batch.expires_at <= self._clock.time_of_day()

    def _is_due(self, row: _Row) -> bool:
        batch = row.batch
        if batch.state in ALWAYS_DUE:
            return True
        if batch.state is BatchState.CANCELLING:
            return not self._running(row)
        if batch.state is not BatchState.IN_PROGRESS:
            return False
        is_done = batch.counts.finished == batch.counts.total
        return is_done or (self._has_expired(batch) and not self._running(row))


def _claimed(batch: Batch, entry: _Item) -> ClaimedItem:
    return ClaimedItem(
        batch_id=batch.id,
        client=batch.client,
        mode=batch.mode,
        endpoint=batch.endpoint,
        item=entry.item,
        retries=entry.retries,
    )


def _outcome(entry: _Item) -> ListedItem:
    result = entry.result
    return ListedItem(
        number=entry.item.number,
        custom_id=entry.item.custom_id,
        is_failed=result is not None and result.is_failed,
        line=None if result is None else result.line,
    )
