"""Files of batches in a folder, with their rows in the database of batches."""

import os
import secrets
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import astuple, replace
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

from modegate.adapters.sqlite.batches.queue import FILE
from modegate.adapters.sqlite.database_file import DatabaseFile
from modegate.adapters.sqlite.database_thread import DatabaseThread
from modegate.adapters.sqlite.migrations import BATCHES
from modegate.domain.access.client import ClientId
from modegate.domain.batches.file import FileObject, FileSpaceError, Purpose
from modegate.lazy_dataclass import dataclass

T = TypeVar("T")

FOLDER = "batch-files"
PIECE_BYTES = 1024 * 1024
SELECT = "SELECT id, client, name, purpose, created_at, expires_at, size FROM files"
# A file without a row is deleted when nothing was written to it for so many seconds.
LEFT_BEHIND_S = 3600.0


@dataclass(frozen=True, slots=True)
class _Page:
    client: ClientId
    purpose: Purpose | None
    after: str | None
    limit: int
    newest_first: bool


class SqliteFileStore:
    """Keeps files in a folder that several processes may share.

    A file gets its row when its content is complete, so that nothing shows half of it.
    """

    def __init__(self, folder: Path) -> None:
        self._database = folder / FILE
        self._folder = folder / FOLDER
        self._thread = DatabaseThread(DatabaseFile(self._database, BATCHES), "batch-files")

    async def put(
        self, file: FileObject, pieces: AsyncIterator[bytes], *, most: int | None = None
    ) -> FileObject:
        """Stores a file while its content arrives."""
        draft = self._folder / f"{file.id}.{secrets.token_hex(8)}"
        space = None if most is None else most - await self._run(lambda db: _taken(db, file.id))
        target = await self._thread.call(lambda: self._create(draft))
        try:
            size = await self._write_all(target, pieces, space)
            await self._thread.call(lambda: _complete(target))
            stored = replace(file, size=size)
            await self._run(lambda db: self._insert(db, stored, draft, most))
        except BaseException:
            with suppress(Exception):
                await self._thread.call(lambda: _discard(target, draft))
            raise
        return stored

    async def get(self, file_id: str) -> FileObject | None:
        """Returns the file without its content, or None."""
        return await self._read_rows(lambda db: _get(db, file_id))

    async def find(
        self,
        client: ClientId,
        *,
        purpose: Purpose | None = None,
        after: str | None = None,
        limit: int,
        newest_first: bool = True,
    ) -> Sequence[FileObject]:
        """Returns one page of a client's files."""
        page = _Page(client, purpose, after, limit, newest_first)
        found = await self._read_rows(lambda db: _find(db, page))
        return found or []

    @asynccontextmanager
    async def read(self, file_id: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
        """Opens the content."""
        file = await self.get(file_id)
        content = None if file is None else await self._thread.call(lambda: self._open(file_id))
        try:
            yield None if content is None else self._pieces(content)
        finally:
            if content is not None:
                await self._thread.call(content.close)

    async def remove(self, file_id: str) -> bool:
        """Deletes a file."""
        return bool(await self._read_rows(lambda db: self._remove(db, file_id)))

    async def expire(self, now: float, limit: int) -> int:
        """Deletes files that have expired, and what killed processes have left."""

        def expire(database: sqlite3.Connection) -> int:
            statement = "SELECT id FROM files WHERE expires_at <= ? LIMIT ?"
            old = database.execute(statement, (now, limit)).fetchall()
            for (file_id,) in old:
                self._remove(database, file_id)
            self._remove_left(database)
            return len(old)

        return await self._read_rows(expire) or 0

    async def aclose(self) -> None:
        """Closes the database. Idempotent."""
        await self._thread.aclose()

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._thread.run(work)

    async def _read_rows(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Returns what `work` finds; None without a database, which is not created for it."""
        if not await self._thread.call(self._database.exists):
            return None
        return await self._thread.run(work)

    def _create(self, draft: Path) -> IO[bytes]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    async def _write_all(
        self, target: IO[bytes], pieces: AsyncIterator[bytes], space: int | None
    ) -> int:
        size, waiting = 0, bytearray()
        async for piece in pieces:
            size += len(piece)
            if space is not None and size > space:
                raise FileSpaceError
            waiting += piece
            if len(waiting) >= PIECE_BYTES:
                content, waiting = bytes(waiting), bytearray()
                await self._thread.call(partial(target.write, content))
        await self._thread.call(partial(target.write, bytes(waiting)))
        return size

    def _insert(
        self, database: sqlite3.Connection, file: FileObject, draft: Path, most: int | None
    ) -> None:
        """Shows a complete file, if others have not taken its space in the meantime."""
        with database:
            database.execute("BEGIN IMMEDIATE")
            if most is not None and _taken(database, file.id) + file.size > most:
                raise FileSpaceError
            draft.replace(self._folder / file.id)
            database.execute(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", astuple(file)
            )

    def _open(self, file_id: str) -> IO[bytes] | None:
        try:
            return (self._folder / file_id).open("rb")
        except FileNotFoundError:  # removed in the meantime
            return None

    async def _pieces(self, content: IO[bytes]) -> AsyncIterator[bytes]:
        while piece := await self._thread.call(partial(content.read, PIECE_BYTES)):
            yield piece

    def _remove(self, database: sqlite3.Connection, file_id: str) -> bool:
        found = database.execute("DELETE FROM files WHERE id = ?", (file_id,)).rowcount
        if found:
            (self._folder / file_id).unlink(missing_ok=True)
        return bool(found)

    def _remove_left(self, database: sqlite3.Connection) -> None:
        before = time.time() - LEFT_BEHIND_S
        for path in self._folder.iterdir() if self._folder.exists() else ():
            if _get(database, path.name) is None and path.stat().st_mtime < before:
                path.unlink(missing_ok=True)


def _complete(target: IO[bytes]) -> None:
    target.flush()
    os.fsync(target.fileno())
    target.close()


def _discard(target: IO[bytes], draft: Path) -> None:
    with suppress(OSError):  # what is left in its buffer does not fit on the disk
        target.close()
    draft.unlink(missing_ok=True)


def _taken(database: sqlite3.Connection, but: str) -> int:
    """Returns the bytes of all files but one."""
    statement = "SELECT coalesce(sum(size), 0) FROM files WHERE id != ?"
    return int(database.execute(statement, (but,)).fetchone()[0])


def _get(database: sqlite3.Connection, file_id: str) -> FileObject | None:
    row = database.execute(f"{SELECT} WHERE id = ?", (file_id,)).fetchone()
    return None if row is None else _file_of(row)


def _find(database: sqlite3.Connection, page: _Page) -> list[FileObject]:
    first, last = (float("inf"), ""), (float("-inf"), "")
    if not page.newest_first:
        first, last = last, first
    place: tuple[object, ...] = first
    if page.after is not None:
        statement = "SELECT created_at, id FROM files WHERE id = ? AND client = ?"
        place = database.execute(statement, (page.after, page.client)).fetchone() or last
    order, sign = ("DESC", "<") if page.newest_first else ("ASC", ">")
    rows = database.execute(
        f"{SELECT} WHERE client = ? AND (created_at, id) {sign} (?, ?) "
        f"AND (? IS NULL OR purpose = ?) ORDER BY created_at {order}, id {order} LIMIT ?",
        (page.client, *place, page.purpose, page.purpose, page.limit),
    )
    return [_file_of(row) for row in rows]


def _file_of(row: Sequence[Any]) -> FileObject:
    file_id, client, name, purpose, created_at, expires_at, size = row
    return FileObject(
        id=file_id,
        client=ClientId(client),
        name=name,
        purpose=Purpose(purpose),
        created_at=created_at,
        expires_at=expires_at,
        size=size,
    )
