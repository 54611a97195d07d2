"""The port for batches and the queue of their items."""

from collections.abc import Callable, Sequence
from typing import Protocol

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


class BatchQueue(Protocol):
    """Stores batches, and hands their items to workers; several gateways may share a queue.

    A worker is a process that runs items, with a unique name. What it has claimed is claimed by
    others as soon as its last sign of life, `claim` or `heartbeat`, is older than the lease of the
    queue. Every method raises `StorageError` if the queue cannot be read or written; when one
    returns, its changes survive the end of the process, if the queue outlives processes at all.
    """

    async def add(self, batch: Batch) -> None:
        """Stores a new batch, without items."""
        ...

    async def get(self, batch_id: str) -> Batch | None:
        """Returns the batch with its present counts, or None."""
        ...

    async def find(
        self, client: ClientId, *, after: str | None = None, limit: int
    ) -> Sequence[Batch]:
        """Returns one page of a client's batches, the newest first.

        With `after`, the page begins behind the batch of that id; it is empty if the client has none
        of that id.
        """
        ...

    async def change(self, batch_id: str, apply: Callable[[Batch], Batch]) -> Batch | None:
        """Replaces a batch by what `apply` returns for it; None if it is unknown.

        No other change happens in between. What `apply` raises is raised, and nothing is changed.
        The counts stay as they are. The items of a batch that enters a final state are deleted, but
        not their usage that is still to be recorded.
        """
        ...

    async def put_items(self, batch_id: str, items: Sequence[QueuedItem]) -> None:
        """Adds items to a batch that is validated; those of a custom id that it has are ignored.

        They count in the total at once, and can be claimed when the batch is in progress.
        """
        ...

    async def claim(self, worker: str, limit: int) -> Sequence[ClaimedItem]:
        """Claims waiting items for a worker, at most `limit`.

        Only items of batches in progress that have not expired, whose delay is over, that have no
        result, and that no living worker has claimed. No item is returned to two living workers.
        Every item is returned in the end, whatever other batches there are.
        """
        ...

    async def heartbeat(self, worker: str) -> None:
        """Renews all claims of a worker."""
        ...

    async def retry(self, worker: str, batch_id: str, custom_id: str, delay_s: float) -> None:
        """Ends a claim after a failed attempt, which counts; the item waits for `delay_s` seconds.

        No-op if the worker does not have the claim any more.
        """
        ...

    async def give_back(self, worker: str) -> None:
        """Ends all claims of a worker on items and batches, as if they had not been claimed."""
        ...

    async def finish(self, result: FinishedItem) -> bool:
        """Stores the result of an item, and counts it, once by batch and custom id.

        Returns False, and stores nothing, if the item has a result, or its batch neither is in
        progress nor being cancelled. The usage is stored in the same transaction.
        """
        ...

    async def page(self, batch_id: str, after: int, limit: int) -> Sequence[ListedItem]:
        """Returns the items of a batch with numbers above `after`, by number, at most `limit`."""
        ...

    async def take_due(self, worker: str) -> Batch | None:
        """Claims a batch for which there is something to do, or returns None.

        That is one which is validating or finalizing, which is being cancelled or has expired while
        none of its items is claimed by a living worker, or all of whose items have results. No batch
        is returned to two living workers.
        """
        ...

    async def leave(self, worker: str, batch_id: str, delay_s: float = 0.0) -> None:
        """Ends the claim of a worker on a batch, which is due again after `delay_s` seconds."""
        ...

    async def unrecorded(self, limit: int) -> Sequence[ItemUsage]:
        """Returns usage that is to be entered into the usage ledger, the oldest first."""
        ...

    async def mark_recorded(self, usages: Sequence[ItemUsage]) -> None:
        """Forgets usage that the usage ledger has. Idempotent."""
        ...

    async def load(self) -> QueueLoad:
        """Returns how many items of batches in progress wait and run."""
        ...

    async def expire(self, before: float, limit: int) -> int:
        """Deletes batches in a final state that were created before a time; returns their number.

        `before` is in Unix seconds. At most `limit` are deleted.
        """
        ...
