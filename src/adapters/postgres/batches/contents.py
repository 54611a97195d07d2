"""The statements about contents of files, each within a transaction of the caller.

A content is written piece by piece in transactions of their own, before its file exists, and read in
the same way. So nobody holds a connection while a client is slow. Whoever decides about a content
locks its row first; what it reads next is not older than that.
"""

from modegate.adapters.postgres.batches.claims import NOW
from modegate.adapters.postgres.batches.database import searched
from modegate.adapters.postgres.connection import Connection
from modegate.domain.errors.catalogue import ledger
from modegate.lazy_dataclass import dataclass

# A content without a file is deleted when nobody wrote or read it for so many seconds.
LEFT_BEHIND_S = 3600.0
# Seconds between two notes that a content is read.
TOUCH_S = 600.0
# Of 1 MiB; so many are deleted far within the limit of time of a statement.
DELETED_AT_ONCE = 100

ADD = f"""
INSERT INTO modegate_contents VALUES (%s, {NOW}) ON CONFLICT (id) DO NOTHING
"""  # noqa: S608 - ours
TOUCH = f"UPDATE modegate_contents SET touched_at = {NOW} WHERE id = %s"  # noqa: S608 - ours
TOUCH_OLD = f"{TOUCH} AND touched_at <= {NOW} - %s"
ADD_PIECE = """
INSERT INTO modegate_pieces VALUES (%s, %s, %s) ON CONFLICT (content, number) DO NOTHING
"""
LOCK = f"SELECT touched_at > {NOW} - %s FROM modegate_contents WHERE id = %s FOR UPDATE"  # noqa: S608 - ours
COUNT = "SELECT count(*) FROM modegate_pieces WHERE content = %s"
IS_OF_FILE = "SELECT 1 FROM modegate_files WHERE content = %s LIMIT 1"
OPEN = f"""
UPDATE modegate_contents c SET touched_at = {NOW} FROM modegate_files f
WHERE f.id = %s AND c.id = f.content RETURNING c.id, f.pieces
"""  # noqa: S608 - ours
READ_PIECE = "SELECT bytes FROM modegate_pieces WHERE content = %s AND number = %s"
FIND_LEFT = f"""
SELECT id FROM modegate_contents c WHERE touched_at <= {NOW} - %s
AND NOT EXISTS (SELECT 1 FROM modegate_files f WHERE f.content = c.id) LIMIT %s
"""  # noqa: S608 - ours
DELETE_PIECES = """
DELETE FROM modegate_pieces WHERE content = %(content)s AND number IN (
    SELECT number FROM modegate_pieces WHERE content = %(content)s LIMIT %(most)s
)
"""
DELETE = "DELETE FROM modegate_contents WHERE id = %s"


@dataclass(frozen=True, slots=True)
class Content:
    """A complete content, and the number of its pieces."""

    id: str
    pieces: int


def add(connection: Connection, content: str) -> None:
    """Begins a content."""
    connection.execute(ADD.encode(), [content])


def add_piece(connection: Connection, content: str, number: int, piece: bytes) -> None:
    """Adds a piece; the numbers begin with zero.

    Raises:
        StorageError: the content was deleted, because it took too long.
    """
    if not connection.execute(TOUCH.encode(), [content]).rowcount:
        raise ledger.unreachable()
    connection.execute(ADD_PIECE, [content, number, piece])


def is_whole(connection: Connection, content: Content) -> bool:
    """Locks a content, and returns whether all of its pieces are there."""
    if connection.execute(LOCK.encode(), [0.0, content.id]).fetchone() is None:
        return False
    (pieces,) = connection.execute(COUNT, [content.id]).fetchone() or (0,)
    return bool(pieces == content.pieces)


def open_of(connection: Connection, file_id: str) -> Content | None:
    """Returns the content of a file, which stays for the one who reads it; None without the file."""
    found = connection.execute(OPEN.encode(), [searched(file_id)]).fetchone()
    return None if found is None else Content(*found)


def read_piece(connection: Connection, content: str, number: int) -> bytes | None:
    """Returns a piece, or None."""
    connection.execute(TOUCH_OLD.encode(), [content, TOUCH_S])
    found = connection.execute(READ_PIECE, [content, number]).fetchone()
    return None if found is None else bytes(found[0])


def find_left(connection: Connection, limit: int) -> list[str]:
    """Returns contents without a file that nobody uses any more."""
    rows = connection.execute(FIND_LEFT.encode(), [LEFT_BEHIND_S, limit])
    return [content for (content,) in rows]


def delete_part(connection: Connection, content: str, unused_s: float = 0.0) -> bool:
    """Deletes pieces of a content; returns whether there may be more.

    Nothing is deleted if it has a file, or was used in the last `unused_s` seconds.
    """
    found = connection.execute(LOCK.encode(), [unused_s, content]).fetchone()
    if found is None or (unused_s and found[0]):
        return False
    if connection.execute(IS_OF_FILE, [content]).fetchone() is not None:
        return False
    values = {"content": content, "most": DELETED_AT_ONCE}
    if connection.execute(DELETE_PIECES, values).rowcount == DELETED_AT_ONCE:
        return True
    connection.execute(DELETE, [content])
    return False
