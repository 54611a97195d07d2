"""The statements about files, each within a transaction of the caller."""

from collections.abc import Sequence
from typing import Any

from modegate.adapters.postgres.batches.contents import Content, is_whole
from modegate.adapters.postgres.batches.database import searched
from modegate.adapters.postgres.connection import Connection
from modegate.adapters.postgres.schema import WRITE_LOCK
from modegate.domain.access.client import ClientId
from modegate.domain.batches.file import FileObject, FileSpaceError, Purpose
from modegate.domain.errors.catalogue import ledger
from modegate.lazy_dataclass import dataclass

# Files are completed one after the other, so that none takes the space of another.
FILES_LOCK = WRITE_LOCK + 3
SELECT = "SELECT id, client, name, purpose, created_at, expires_at, size FROM modegate_files"
TAKEN = "SELECT coalesce(sum(size), 0) FROM modegate_files WHERE id <> %s"
PUT = """
INSERT INTO modegate_files VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO UPDATE SET
    client = excluded.client, name = excluded.name, purpose = excluded.purpose,
    created_at = excluded.created_at, expires_at = excluded.expires_at, size = excluded.size,
    content = excluded.content, pieces = excluded.pieces
"""
PLACE = "SELECT created_at, id FROM modegate_files WHERE id = %s AND client = %s"
REMOVE = "DELETE FROM modegate_files WHERE id = %s"
EXPIRE = """
DELETE FROM modegate_files WHERE id IN (
    SELECT id FROM modegate_files WHERE expires_at <= %s LIMIT %s FOR UPDATE SKIP LOCKED
)
"""


@dataclass(frozen=True, slots=True)
class FilePage:
    """What a client looks for."""

    client: ClientId
    purpose: Purpose | None
    after: str | None
    limit: int
    newest_first: bool


def taken(connection: Connection, but: str) -> int:
    """Returns the bytes of all files but one."""
    (size,) = connection.execute(TAKEN, [but]).fetchone() or (0,)
    return int(size)


def put(connection: Connection, file: FileObject, content: Content, most: int | None) -> None:
    """Shows a complete file, if others have not taken its space in the meantime.

    Raises:
        FileSpaceError: all files would have more than `most` bytes together.
        StorageError: the content was deleted, because it took too long.
    """
    connection.execute("SELECT pg_advisory_xact_lock(%s)", [FILES_LOCK])
    if not is_whole(connection, content):
        raise ledger.unreachable()
    if most is not None and taken(connection, file.id) + file.size > most:
        raise FileSpaceError
    values = (
        *(file.id, file.client, file.name.encode(errors="surrogatepass"), file.purpose),
        *(file.created_at, file.expires_at, file.size, content.id, content.pieces),
    )
    connection.execute(PUT, values)


def get(connection: Connection, file_id: str) -> FileObject | None:
    """Returns a file, or None."""
    row = connection.execute(f"{SELECT} WHERE id = %s".encode(), [searched(file_id)]).fetchone()
    return None if row is None else _file_of(row)


def find(connection: Connection, page: FilePage) -> list[FileObject]:
    """Returns a page of a client's files."""
    first, last = (float("inf"), ""), (float("-inf"), "")
    if not page.newest_first:
        first, last = last, first
    place: tuple[object, ...] = first
    if page.after is not None:
        place = connection.execute(PLACE, [searched(page.after), page.client]).fetchone() or last
    order, sign = ("DESC", "<") if page.newest_first else ("ASC", ">")
    rows = connection.execute(
        f"{SELECT} WHERE client = %s AND (created_at, id) {sign} (%s, %s) "
        f"AND (%s::text IS NULL OR purpose = %s) "
        f"ORDER BY created_at {order}, id {order} LIMIT %s".encode(),
        (page.client, *place, page.purpose, page.purpose, page.limit),
    )
    return [_file_of(row) for row in rows]


def remove(connection: Connection, file_id: str) -> bool:
    """Deletes a file, and leaves its content to those who read it."""
    return bool(connection.execute(REMOVE, [searched(file_id)]).rowcount)


def expire(connection: Connection, now: float, limit: int) -> int:
    """Deletes files that have expired, and returns their number."""
    return connection.execute(EXPIRE, [now, limit]).rowcount


def _file_of(row: Sequence[Any]) -> FileObject:
    file_id, client, name, purpose, created_at, expires_at, size = row
    return FileObject(
        id=file_id,
        client=ClientId(client),
        name=bytes(name).decode(errors="surrogatepass"),
        purpose=Purpose(purpose),
        created_at=created_at,
        expires_at=expires_at,
        size=size,
    )
