"""What the queue does in one transaction."""

import sqlite3
from collections.abc import Callable, Sequence

from modegate.adapters.sqlite.batches.rows import SELECT
from modegate.dialects.stored_batch import batch_of, fields_of
from modegate.dialects.usage.rows import line_of
from modegate.domain.access.client import ClientId
from modegate.domain.batches.batch import Batch
from modegate.domain.batches.queued_item import FinishedItem, QueuedItem
from modegate.domain.batches.state import BatchState

TAKES_RESULTS = (BatchState.IN_PROGRESS, BatchState.CANCELLING)


def add(database: sqlite3.Connection, batch: Batch) -> None:
    """Inserts a new batch."""
    database.execute(
        "INSERT INTO batches VALUES (?, ?, ?, ?, ?, 0, 0, 0, NULL, 0, 0, ?)",
        (
            batch.id,
            batch.client,
            batch.created_at,
            batch.expires_at,
            batch.state,
            fields_of(batch),
        ),
    )


def get(database: sqlite3.Connection, batch_id: str) -> Batch | None:
    """Returns a batch; None if it is unknown."""
    row = database.execute(f"{SELECT} WHERE id = ?", (batch_id,)).fetchone()
    return None if row is None else batch_of(row)


def find(
    database: sqlite3.Connection, client: ClientId, after: str | None, limit: int
) -> list[Batch]:
    """Returns a page of a client's batches, the newest first."""
    place: tuple[object, ...] = (float("inf"), "")
    if after is not None:
        statement = "SELECT created_at, id FROM batches WHERE id = ? AND client = ?"
        place = database.execute(statement, (after, client)).fetchone() or (float("-inf"), "")
    rows = database.execute(
        f"{SELECT} WHERE client = ? AND (created_at, id) < (?, ?) "
        "ORDER BY created_at DESC, id DESC LIMIT ?",
        (client, *place, limit),
    )
    return [batch_of(row) for row in rows]


def change(
    database: sqlite3.Connection, batch_id: str, apply: Callable[[Batch], Batch]
) -> Batch | None:
    """Replaces a batch by what `apply` returns; its items go once it has ended."""
    before = get(database, batch_id)
    if before is None:
        return None
    after = apply(before)
    database.execute(
        "UPDATE batches SET expires_at = ?, state = ?, fields = ? WHERE id = ?",
        (after.expires_at, after.state, fields_of(after), batch_id),
    )
    if after.state.is_final:
        database.execute("DELETE FROM items WHERE batch = ?", (batch_id,))
    return get(database, batch_id)


def put_items(database: sqlite3.Connection, batch_id: str, items: Sequence[QueuedItem]) -> None:
    """Inserts the items whose custom ids are new."""
    batch = get(database, batch_id)
    if batch is None or batch.state is not BatchState.VALIDATING:
        return
    added = database.executemany(
        "INSERT OR IGNORE INTO items (batch, number, custom_id, line) VALUES (?, ?, ?, ?)",
        [(batch_id, it.number, it.custom_id, it.line) for it in items],
    ).rowcount
    database.execute("UPDATE batches SET total = total + ? WHERE id = ?", (added, batch_id))


def finish(database: sqlite3.Connection, finished: FinishedItem) -> bool:
    """Stores an item's result; returns False if it has one, or if the batch takes none."""
    key = (finished.batch_id, finished.custom_id)
    row = database.execute("SELECT state FROM batches WHERE id = ?", key[:1]).fetchone()
    if row is None or row[0] not in TAKES_RESULTS:
        return False
    # The request is not needed any more.
    stored = database.execute(
        "UPDATE items SET result = ?, failed = ?, worker = NULL, line = x'' "
        "WHERE batch = ? AND custom_id = ? AND result IS NULL",
        (finished.line, finished.is_failed, *key),
    ).rowcount
    if not stored:
        return False
    database.execute(
        "UPDATE batches SET failed = failed + ?, completed = completed + ? WHERE id = ?",
        (finished.is_failed, not finished.is_failed, finished.batch_id),
    )
    if finished.usage is not None:
        database.execute(
            "INSERT OR IGNORE INTO item_usage (batch, custom_id, usage) VALUES (?, ?, ?)",
            (*key, line_of(finished.usage)),
        )
    return True


def expire(database: sqlite3.Connection, before: float, limit: int) -> int:
    """Deletes old batches that have ended; returns their number."""
    statement = """
    DELETE FROM batches WHERE id IN (
        SELECT id FROM batches WHERE created_at < ?
        AND state IN ('completed', 'failed', 'expired', 'cancelled') LIMIT ?
    )
    """
    return database.execute(statement, (before, limit)).rowcount
