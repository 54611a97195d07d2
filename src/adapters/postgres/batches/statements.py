"""The statements that change and read batches, each within a transaction of the caller."""

from collections.abc import Callable, Sequence

from modegate.adapters.postgres.batches.claims import NOW, SELECT, written_id
from modegate.adapters.postgres.batches.database import searched
from modegate.adapters.postgres.connection import Connection
from modegate.dialects.stored_batch import batch_of, fields_of
from modegate.dialects.usage.rows import line_of
from modegate.domain.access.client import ClientId
from modegate.domain.batches.batch import Batch
from modegate.domain.batches.queued_item import FinishedItem, QueuedItem
from modegate.domain.batches.state import BatchState

ADD = """
INSERT INTO modegate_batches (id, client, created_at, expires_at, state, fields)
VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (id) DO NOTHING
"""
PLACE = "SELECT created_at, id FROM modegate_batches WHERE id = %s AND client = %s"
FIND = f"""
{SELECT} WHERE client = %s AND (created_at, id) < (%s, %s) ORDER BY created_at DESC, id DESC LIMIT %s
"""
CHANGE = "UPDATE modegate_batches SET expires_at = %s, state = %s, fields = %s WHERE id = %s"
DELETE_ITEMS = "DELETE FROM modegate_items WHERE batch = %s"
PUT_ITEMS = """
INSERT INTO modegate_items (batch, number, custom_id, line)
SELECT %s, * FROM unnest(%s::bigint[], %s::bytea[], %s::bytea[]) ON CONFLICT DO NOTHING
"""
ADD_TOTAL = "UPDATE modegate_batches SET total = total + %s WHERE id = %s"
# The request is not needed any more.
FINISH = """
UPDATE modegate_items SET result = %s, failed = %s, worker = NULL, line = ''
WHERE batch = %s AND custom_id = %s AND result IS NULL RETURNING id
"""
COUNT = """
UPDATE modegate_batches SET failed = failed + %s, completed = completed + %s WHERE id = %s
"""
ADD_USAGE = """
INSERT INTO modegate_item_usage (batch, custom_id, usage) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING
"""
RETRY = f"""
UPDATE modegate_items SET worker = NULL, retries = retries + 1, ready_at = {NOW} + %s
WHERE batch = %s AND custom_id = %s AND worker = %s AND result IS NULL RETURNING id
"""  # noqa: S608 - ours
EXPIRE = """
DELETE FROM modegate_batches WHERE id IN (
    SELECT id FROM modegate_batches WHERE created_at < %s
    AND state IN ('completed', 'failed', 'expired', 'cancelled') LIMIT %s FOR UPDATE SKIP LOCKED
)
"""
FORGET_WORKERS = f"DELETE FROM modegate_workers WHERE seen_at < {NOW} - %s"  # noqa: S608 - ours
TAKES_RESULTS = (BatchState.IN_PROGRESS, BatchState.CANCELLING)


def add(connection: Connection, batch: Batch) -> None:
    """Stores a new batch."""
    connection.execute(
        ADD,
        (
            batch.id,
            batch.client,
            batch.created_at,
            batch.expires_at,
            batch.state,
            fields_of(batch),
        ),
    )


def get(connection: Connection, batch_id: str, *, locked: bool = False) -> Batch | None:
    """Returns a batch, or None; `locked` until the end of the transaction."""
    statement = f"{SELECT} WHERE id = %s {'FOR UPDATE' if locked else ''}"
    row = connection.execute(statement.encode(), [searched(batch_id)]).fetchone()
    return None if row is None else batch_of(row)


def find(connection: Connection, client: ClientId, after: str | None, limit: int) -> list[Batch]:
    """Returns a page of a client's batches, the newest first."""
    place: tuple[object, ...] = (float("inf"), "")
    if after is not None:
        found = connection.execute(PLACE, [searched(after), client]).fetchone()
        place = found or (float("-inf"), "")
    rows = connection.execute(FIND.encode(), [client, *place, limit])
    return [batch_of(it) for it in rows]


def change(connection: Connection, batch_id: str, apply: Callable[[Batch], Batch]) -> Batch | None:
    """Replaces a batch, and deletes the items of one that has ended."""
    before = get(connection, batch_id, locked=True)
    if before is None:
        return None
    after = apply(before)
    values = (after.expires_at, after.state, fields_of(after), batch_id)
    connection.execute(CHANGE, values)
    if after.state.is_final:
        connection.execute(DELETE_ITEMS, [batch_id])
    return get(connection, batch_id)


def put_items(connection: Connection, batch_id: str, items: Sequence[QueuedItem]) -> None:
    """Adds the items that are new."""
    batch = get(connection, batch_id, locked=True)
    if batch is None or batch.state is not BatchState.VALIDATING:
        return
    values = (
        batch_id,
        [it.number for it in items],
        [written_id(it.custom_id) for it in items],
        [it.line for it in items],
    )
    added = connection.execute(PUT_ITEMS, values).rowcount
    connection.execute(ADD_TOTAL, [added, batch_id])


def finish(connection: Connection, finished: FinishedItem) -> int | None:
    """Stores the first result of an item, and returns the id of its row; None if it is not stored."""
    batch = get(connection, finished.batch_id, locked=True)
    if batch is None or batch.state not in TAKES_RESULTS:
        return None
    key = (finished.batch_id, written_id(finished.custom_id))
    found = connection.execute(FINISH, (finished.line, finished.is_failed, *key)).fetchone()
    if found is None:
        return None
    failed = int(finished.is_failed)
    connection.execute(COUNT, (failed, 1 - failed, finished.batch_id))
    if finished.usage is not None:
        connection.execute(ADD_USAGE, (*key, line_of(finished.usage)))
    return int(found[0])


def retry(
    connection: Connection, worker: str, batch_id: str, custom_id: str, delay_s: float
) -> int | None:
    """Ends a claim after a failed attempt, and returns the id of its row, if there was one."""
    values = (delay_s, batch_id, written_id(custom_id), worker)
    found = connection.execute(RETRY.encode(), values).fetchone()
    return None if found is None else int(found[0])


def expire(connection: Connection, before: float, limit: int, silent_s: float) -> int:
    """Deletes old batches, and workers that have been silent for long."""
    connection.execute(FORGET_WORKERS.encode(), [silent_s])
    return connection.execute(EXPIRE, [before, limit]).rowcount
