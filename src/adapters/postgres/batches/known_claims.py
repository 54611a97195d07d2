"""The claims that workers of this process know of."""

import asyncio
from collections.abc import Collection, Iterable


class KnownClaims:
    """Remembers what each worker was given.

    A claim may be stored although its answer never came: the connection was lost, or the caller was
    cancelled. The worker lives, so the claim would not end. The next claim ends all that are not
    known. `claiming` is held from a claim until it is known.
    """

    def __init__(self) -> None:
        self.claiming = asyncio.Lock()
        self._items: dict[str, set[int]] = {}
        self._batches: dict[str, set[str]] = {}

    def items(self, worker: str) -> Collection[int]:
        """Returns the ids of the rows of the items that the worker has."""
        return frozenset(self._items.get(worker, ()))

    def batches(self, worker: str) -> Collection[str]:
        """Returns the ids of the batches that the worker has."""
        return frozenset(self._batches.get(worker, ()))

    def add_items(self, worker: str, items: Iterable[int]) -> None:
        """Remembers that the worker has been given items."""
        self._items.setdefault(worker, set()).update(items)

    def add_batch(self, worker: str, batch_id: str) -> None:
        """Remembers that the worker has been given a batch."""
        self._batches.setdefault(worker, set()).add(batch_id)

    def forget_item(self, item: int | None) -> None:
        """Forgets an item that has been finished or is to be retried; no-op for None."""
        for items in self._items.values():
            if item is not None:
                items.discard(item)

    def forget_batch(self, worker: str, batch_id: str) -> None:
        """Forgets a batch that the worker has left."""
        self._batches.get(worker, set()).discard(batch_id)

    def forget(self, worker: str) -> None:
        """Forgets all of a worker."""
        self._items.pop(worker, None)
        self._batches.pop(worker, None)
