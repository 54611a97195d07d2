"""The statements that claim items and batches for a worker."""

import sqlite3
from collections.abc import Iterator

from modegate.adapters.sqlite.batches.rows import SELECT
from modegate.dialects.stored_batch import batch_of
from modegate.domain.batches.batch import Batch
from modegate.domain.batches.queued_item import ClaimedItem, QueuedItem, QueueLoad
from modegate.lazy_dataclass import dataclass

# A worker whose last sign of life is older than a lease has no claims.
FREE = "(worker IS NULL OR worker NOT IN (SELECT id FROM workers WHERE seen_at > :lost))"
HELD = "(worker IN (SELECT id FROM workers WHERE seen_at > :lost))"
RUNS = f"EXISTS (SELECT 1 FROM items WHERE batch = batches.id AND result IS NULL AND {HELD})"  # noqa: S608 - ours
SERVED_FIRST = f"""
{SELECT} WHERE state = 'in_progress' AND expires_at > :day AND completed + failed < total
ORDER BY served_at, id
"""
WAITING = f"""
SELECT id, number, custom_id, line, retries FROM items
WHERE batch = :batch AND result IS NULL AND ready_at <= :now AND {FREE} ORDER BY number LIMIT :most
"""  # noqa: S608 - ours
DUE = f"""
{SELECT} WHERE due_at <= :now
  AND state IN ('validating', 'finalizing', 'cancelling', 'in_progress')
  AND {FREE}
  AND (
    state IN ('validating', 'finalizing')
    OR (state = 'cancelling' AND NOT {RUNS})
    OR (state = 'in_progress' AND completed + failed >= total)
    OR (state = 'in_progress' AND expires_at <= :day AND NOT {RUNS})
  )
ORDER BY created_at LIMIT 1
"""
LOAD = f"""
SELECT count(*), coalesce(sum({HELD}), 0) FROM items
WHERE result IS NULL AND batch IN (SELECT id FROM batches WHERE state = 'in_progress')
"""  # noqa: S608 - ours


@dataclass(frozen=True, slots=True)
class Moment:
    """A time: on the clock that never jumps, and that of day; `lost` is when a lease must begin."""

    now: float
    day: float
    lease_s: float

    @property
    def values(self) -> dict[str, float]:
        """The parameters of the statements."""
        return {"now": self.now, "day": self.day, "lost": self.now - self.lease_s}


def see(database: sqlite3.Connection, worker: str, moment: Moment) -> None:
    """Notes a sign of life of a worker."""
    database.execute("INSERT OR REPLACE INTO workers VALUES (?, ?)", (worker, moment.now))


def claim(
    database: sqlite3.Connection, worker: str, limit: int, moment: Moment
) -> list[ClaimedItem]:
    """Claims waiting items; the batches that were served longest ago come first.

    Each gets an equal part of the limit, so that a large batch does not hold up a small one.
    """
    batches = [batch_of(it) for it in database.execute(SERVED_FIRST, moment.values)]
    claimed: list[ClaimedItem] = []
    see(database, worker, moment)
    for number, batch in enumerate(batches):
        part = -(-(limit - len(claimed)) // (len(batches) - number))
        if part <= 0:
            break
        found = list(_claim_of(database, worker, batch, part, moment))
        if found:
            database.execute(
                "UPDATE batches SET served_at = ? WHERE id = ?", (moment.now, batch.id)
            )
        claimed += found
    return claimed


def take_due(database: sqlite3.Connection, worker: str, moment: Moment) -> Batch | None:
    """Claims a batch for which there is something to do."""
    row = database.execute(DUE, moment.values).fetchone()
    if row is None:
        return None
    see(database, worker, moment)
    batch = batch_of(row)
    database.execute("UPDATE batches SET worker = ? WHERE id = ?", (worker, batch.id))
    return batch


def has_due(database: sqlite3.Connection, moment: Moment) -> bool:
    """Returns whether there is such a batch; writes nothing."""
    return database.execute(DUE, moment.values).fetchone() is not None


def has_open(database: sqlite3.Connection, moment: Moment) -> bool:
    """Returns whether a batch in progress has items without a result; writes nothing."""
    return database.execute(f"{SERVED_FIRST} LIMIT 1", moment.values).fetchone() is not None


def load(database: sqlite3.Connection, moment: Moment) -> QueueLoad:
    """Returns how many items wait and run."""
    total, running = database.execute(LOAD, moment.values).fetchone()
    return QueueLoad(total - running, running)


def _claim_of(
    database: sqlite3.Connection, worker: str, batch: Batch, limit: int, moment: Moment
) -> Iterator[ClaimedItem]:
    values = {**moment.values, "batch": batch.id, "most": limit}
    for item_id, number, custom_id, line, retries in database.execute(WAITING, values).fetchall():
        database.execute("UPDATE items SET worker = ? WHERE id = ?", (worker, item_id))
        yield ClaimedItem(
            batch_id=batch.id,
            client=batch.client,
            mode=batch.mode,
            endpoint=batch.endpoint,
            item=QueuedItem(number, custom_id, line),
            retries=retries,
        )
