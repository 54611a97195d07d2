"""The statements that claim items and batches for a worker.

All times are the server's, because the clocks of machines differ. Claims of all workers come one
after the other, under a lock for one transaction: what a worker reads about the others is true when
it writes. A change of a batch and its items locks the batch first, so no two wait for each other.
"""

from collections.abc import Collection, Iterator

from modegate.adapters.postgres.connection import Connection
from modegate.adapters.postgres.schema import WRITE_LOCK
from modegate.dialects.stored_batch import COLUMNS, batch_of
from modegate.domain.batches.batch import Batch
from modegate.domain.batches.queued_item import ClaimedItem, QueuedItem, QueueLoad

CLAIM_LOCK = WRITE_LOCK + 2
NOW = "extract(epoch FROM now())::float8"
ALIVE = f"(SELECT id FROM modegate_workers WHERE seen_at > {NOW} - %(lease)s)"  # noqa: S608 - ours
# A worker whose last sign of life is older than a lease has no claims.
FREE = f"(worker IS NULL OR worker NOT IN {ALIVE})"
RUNS = f"""
EXISTS (
    SELECT 1 FROM modegate_items i
    WHERE i.batch = b.id AND i.result IS NULL AND i.worker IN {ALIVE}
)
"""  # noqa: S608 - ours
SELECT = f"SELECT {', '.join(COLUMNS)} FROM modegate_batches b"  # noqa: S608 - ours
SEE = f"""
INSERT INTO modegate_workers VALUES (%(worker)s, {NOW})
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at
"""  # noqa: S608 - ours
SERVED_FIRST = f"""
{SELECT} WHERE state = 'in_progress' AND expires_at > {NOW} AND completed + failed < total
ORDER BY served_at, id
"""
SERVE = f"UPDATE modegate_batches SET served_at = {NOW} WHERE id = %(batch)s"  # noqa: S608 - ours
# What a worker was given without knowing it: the answer to its claim was lost.
RELEASE_ITEMS = """
UPDATE modegate_items SET worker = NULL
WHERE worker = %(worker)s AND result IS NULL AND id <> ALL(%(known)s::bigint[])
"""
RELEASE_BATCHES = """
UPDATE modegate_batches SET worker = NULL
WHERE worker = %(worker)s AND id <> ALL(%(known)s::text[])
"""
CLAIM = f"""
UPDATE modegate_items SET worker = %(worker)s WHERE id IN (
    SELECT id FROM modegate_items
    WHERE batch = %(batch)s AND result IS NULL AND ready_at <= {NOW} AND {FREE}
    ORDER BY number LIMIT %(most)s FOR UPDATE SKIP LOCKED
) RETURNING id, number, custom_id, line, retries
"""  # noqa: S608 - ours
DUE = f"""
{SELECT} WHERE due_at <= {NOW}
  AND state IN ('validating', 'finalizing', 'cancelling', 'in_progress')
  AND {FREE}
  AND (
    state IN ('validating', 'finalizing')
    OR (state = 'cancelling' AND NOT {RUNS})
    OR (state = 'in_progress' AND completed + failed >= total)
    OR (state = 'in_progress' AND expires_at <= {NOW} AND NOT {RUNS})
  )
ORDER BY created_at LIMIT 1
"""
IS_UNKNOWN = """
SELECT 1 FROM modegate_batches WHERE worker = %(worker)s AND id <> ALL(%(known)s::text[]) LIMIT 1
"""
TAKE = "UPDATE modegate_batches SET worker = %(worker)s WHERE id = %(batch)s"
LOAD = f"""
SELECT count(*), count(*) FILTER (WHERE worker IN {ALIVE}) FROM modegate_items
WHERE result IS NULL AND batch IN (SELECT id FROM modegate_batches WHERE state = 'in_progress')
"""  # noqa: S608 - ours

Claim = tuple[int, ClaimedItem]
"""The id of an item's row, and the item."""


def see(connection: Connection, worker: str) -> None:
    """Notes a sign of life of a worker."""
    connection.execute(SEE.encode(), {"worker": worker})


def claim(
    connection: Connection, worker: str, limit: int, known: Collection[int], lease_s: float
) -> list[Claim]:
    """Claims waiting items; the batches that were served longest ago come first.

    Each gets an equal part of the limit, so that a large batch does not hold up a small one. Claims
    of the worker that are not `known` are ended before.
    """
    if connection.execute(f"{SERVED_FIRST} LIMIT 1".encode()).fetchone() is None:
        return []
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])
    see(connection, worker)
    connection.execute(RELEASE_ITEMS, {"worker": worker, "known": list(known)})
    batches = [batch_of(it) for it in connection.execute(SERVED_FIRST.encode())]
    claimed: list[Claim] = []
    for number, batch in enumerate(batches):
        part = -(-(limit - len(claimed)) // (len(batches) - number))
        if part <= 0:
            break
        claimed += _claim_of(connection, worker, batch, part, lease_s)
    return claimed


def take_due(
    connection: Connection, worker: str, known: Collection[str], lease_s: float
) -> Batch | None:
    """Claims a batch for which there is something to do."""
    values = {"worker": worker, "known": list(known), "lease": lease_s}
    unknown = connection.execute(IS_UNKNOWN, values).fetchone()
    if unknown is None and connection.execute(DUE.encode(), values).fetchone() is None:
        return None
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [CLAIM_LOCK])
    connection.execute(RELEASE_BATCHES, values)
    row = connection.execute(DUE.encode(), values).fetchone()
    if row is None:
        return None
    see(connection, worker)
    batch = batch_of(row)
    connection.execute(TAKE, {"worker": worker, "batch": batch.id})
    return batch


def load(connection: Connection, lease_s: float) -> QueueLoad:
    """Returns how many items wait and run."""
    total, running = connection.execute(LOAD.encode(), {"lease": lease_s}).fetchone() or (0, 0)
    return QueueLoad(total - running, running)


def _claim_of(
    connection: Connection, worker: str, batch: Batch, limit: int, lease_s: float
) -> Iterator[Claim]:
    values = {"worker": worker, "batch": batch.id, "most": limit, "lease": lease_s}
    connection.execute(SERVE.encode(), values)
    rows = connection.execute(CLAIM.encode(), values).fetchall()
    for item_id, number, custom_id, line, retries in sorted(rows, key=lambda it: it[1]):
        yield (
            item_id,
            ClaimedItem(
                batch_id=batch.id,
                client=batch.client,
                mode=batch.mode,
                endpoint=batch.endpoint,
                item=QueuedItem(number, read_id(custom_id), line),
                retries=retries,
            ),
        )


def written_id(custom_id: str) -> bytes:
    """Returns a custom id as it is stored."""
    return custom_id.encode(errors="surrogatepass")


def read_id(stored: bytes) -> str:
    """Returns the custom id that is stored."""
    return stored.decode(errors="surrogatepass")
