"""The queue of batches in PostgreSQL, for the workers of several machines."""

from collections.abc import Callable, Sequence

from modegate.adapters.postgres.batches import claims, statements
from modegate.adapters.postgres.batches.claims import Claim, read_id, written_id
from modegate.adapters.postgres.batches.database import BatchDatabase
from modegate.adapters.postgres.batches.known_claims import KnownClaims
from modegate.adapters.postgres.connection import Connection
from modegate.adapters.postgres.options import PostgresOptions
from modegate.dialects.usage.rows import parse_line
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

# Seconds; a worker sends several heartbeats in it.
LEASE_S = 10.0
CONNECTIONS = 3

PAGE = """
SELECT number, custom_id, failed, result FROM modegate_items
WHERE batch = %s AND number > %s ORDER BY number LIMIT %s
"""
LEAVE = f"""
UPDATE modegate_batches SET worker = NULL, due_at = {claims.NOW} + %s WHERE id = %s AND worker = %s
"""  # noqa: S608 - ours
UNRECORDED = "SELECT batch, custom_id, usage FROM modegate_item_usage ORDER BY id LIMIT %s"
RECORDED = "DELETE FROM modegate_item_usage WHERE batch = %s AND custom_id = %s"


class PostgresBatchQueue:
    """Keeps batches and their items in a database that several gateways share."""

    def __init__(self, options: PostgresOptions, lease_s: float = LEASE_S) -> None:
        self._database = BatchDatabase(options, CONNECTIONS)
        self._run = self._database.run
        self._lease_s = lease_s
        self._known = KnownClaims()

    async def add(self, batch: Batch) -> None:
        """Stores a new batch."""
        await self._run(lambda it: statements.add(it, batch))

    async def get(self, batch_id: str) -> Batch | None:
        """Returns the batch, or None."""
        return await self._run(lambda it: statements.get(it, batch_id))

    async def find(
        self, client: ClientId, *, after: str | None = None, limit: int
    ) -> Sequence[Batch]:
        """Returns one page of a client's batches."""
        return await self._run(lambda it: statements.find(it, client, after, limit))

    async def change(self, batch_id: str, apply: Callable[[Batch], Batch]) -> Batch | None:
        """Replaces a batch in one transaction."""
        return await self._run(lambda it: statements.change(it, batch_id, apply))

    async def put_items(self, batch_id: str, items: Sequence[QueuedItem]) -> None:
        """Adds items in one transaction."""
        await self._run(lambda it: statements.put_items(it, batch_id, items))

    async def claim(self, worker: str, limit: int) -> Sequence[ClaimedItem]:
        """Claims waiting items."""

        def work(connection: Connection) -> list[Claim]:
            known = self._known.items(worker)
            return claims.claim(connection, worker, limit, known, self._lease_s)

        async with self._known.claiming:
            found = await self._run(work)
            self._known.add_items(worker, [it for it, _ in found])
        return [item for _, item in found]

    async def heartbeat(self, worker: str) -> None:
        """Renews all claims of a worker."""
        await self._run(lambda it: claims.see(it, worker))

    async def retry(self, worker: str, batch_id: str, custom_id: str, delay_s: float) -> None:
        """Ends a claim after a failed attempt."""
        ended = await self._run(
            lambda it: statements.retry(it, worker, batch_id, custom_id, delay_s)
        )
        self._known.forget_item(ended)

    async def give_back(self, worker: str) -> None:
        """Ends all claims of a worker."""

        def work(connection: Connection) -> None:
            for statement in (
                "UPDATE modegate_batches SET worker = NULL WHERE worker = %s",
                "UPDATE modegate_items SET worker = NULL WHERE worker = %s",
                "DELETE FROM modegate_workers WHERE id = %s",
            ):
                connection.execute(statement.encode(), [worker])

        async with self._known.claiming:
            await self._run(work)
            self._known.forget(worker)

    async def finish(self, result: FinishedItem) -> bool:
        """Stores the first result of an item."""
        stored = await self._run(lambda it: statements.finish(it, result))
        self._known.forget_item(stored)
        return stored is not None

    async def page(self, batch_id: str, after: int, limit: int) -> Sequence[ListedItem]:
        """Returns items by number."""
        rows = await self._run(lambda it: it.execute(PAGE, [batch_id, after, limit]).fetchall())
        return [
            ListedItem(number=number, custom_id=read_id(name), is_failed=failed, line=line)
            for number, name, failed, line in rows
        ]

    async def take_due(self, worker: str) -> Batch | None:
        """Claims a batch for which there is something to do."""

        def work(connection: Connection) -> Batch | None:
            return claims.take_due(connection, worker, self._known.batches(worker), self._lease_s)

        async with self._known.claiming:
            batch = await self._run(work)
            if batch is not None:
                self._known.add_batch(worker, batch.id)
        return batch

    async def leave(self, worker: str, batch_id: str, delay_s: float = 0.0) -> None:
        """Ends the claim of a worker on a batch."""
        values = [delay_s, batch_id, worker]
        await self._run(lambda it: it.execute(LEAVE.encode(), values))
        self._known.forget_batch(worker, batch_id)

    async def unrecorded(self, limit: int) -> Sequence[ItemUsage]:
        """Returns usage that is to be recorded."""
        rows = await self._run(lambda it: it.execute(UNRECORDED, [limit]).fetchall())
        return [
            ItemUsage(batch_id=batch_id, custom_id=read_id(name), row=parse_line(row))
            for batch_id, name, row in rows
        ]

    async def mark_recorded(self, usages: Sequence[ItemUsage]) -> None:
        """Forgets usage."""
        values = sorted((it.batch_id, written_id(it.custom_id)) for it in usages)
        await self._run(lambda it: it.cursor().executemany(RECORDED, values))

    async def load(self) -> QueueLoad:
        """Returns how many items wait and run."""
        return await self._run(lambda it: claims.load(it, self._lease_s))

    async def expire(self, before: float, limit: int) -> int:
        """Deletes old batches, and workers that have been silent for long."""
        silent_s = 100 * self._lease_s
        return await self._run(lambda it: statements.expire(it, before, limit, silent_s))

    async def aclose(self) -> None:
        """Closes all connections. Idempotent."""
        await self._database.aclose()
