"""Files of batches in PostgreSQL, for the gateways of several machines."""

import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from functools import partial

from modegate.adapters.postgres.batches import contents, file_rows
from modegate.adapters.postgres.batches.contents import LEFT_BEHIND_S, Content
from modegate.adapters.postgres.batches.database import BatchDatabase
from modegate.adapters.postgres.batches.file_rows import FilePage
from modegate.adapters.postgres.connection import Connection
from modegate.adapters.postgres.options import PostgresOptions
from modegate.domain.access.client import ClientId
from modegate.domain.batches.file import FileObject, FileSpaceError, Purpose
from modegate.domain.errors.catalogue import ledger

PIECE_BYTES = 1024 * 1024
# Their own, so that large pieces do not hold up the queue.
CONNECTIONS = 2


class PostgresFileStore:
    """Keeps files in rows of at most 1 MiB in a database that several gateways share.

    A file gets its row when its content is complete, so that nothing shows half of it.
    """

    def __init__(self, options: PostgresOptions) -> None:
        self._database = BatchDatabase(options, CONNECTIONS)
        self._run = self._database.run

    async def put(
        self, file: FileObject, pieces: AsyncIterator[bytes], *, most: int | None = None
    ) -> FileObject:
        """Stores a file while its content arrives."""
        content = secrets.token_hex(16)

        def begin(connection: Connection) -> int:
            contents.add(connection, content)
            return file_rows.taken(connection, file.id)

        taken = await self._run(begin)
        try:
            size, number = await self._write(
                content, pieces, None if most is None else most - taken
            )
            stored, whole = replace(file, size=size), Content(content, number)
            await self._run(lambda it: file_rows.put(it, stored, whole, most))
        except BaseException:
            with suppress(Exception):  # then it is deleted later
                await self._delete(content)
            raise
        return stored

    async def get(self, file_id: str) -> FileObject | None:
        """Returns the file without its content, or None."""
        return await self._run(lambda it: file_rows.get(it, file_id))

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
        page = FilePage(client, purpose, after, limit, newest_first)
        return await self._run(lambda it: file_rows.find(it, page))

    @asynccontextmanager
    async def read(self, file_id: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
        """Opens the content."""
        content = await self._run(lambda it: contents.open_of(it, file_id))
        yield None if content is None else self._pieces(content)

    async def remove(self, file_id: str) -> bool:
        """Deletes a file; its content is deleted by `expire`."""
        return await self._run(lambda it: file_rows.remove(it, file_id))

    async def expire(self, now: float, limit: int) -> int:
        """Deletes files that have expired, and contents that nobody uses any more."""
        expired = await self._run(lambda it: file_rows.expire(it, now, limit))
        while left := await self._run(lambda it: contents.find_left(it, limit)):
            for content in left:
                await self._delete(content, LEFT_BEHIND_S)
        return expired

    async def aclose(self) -> None:
        """Closes all connections. Idempotent."""
        await self._database.aclose()

    async def _write(
        self, content: str, pieces: AsyncIterator[bytes], space: int | None
    ) -> tuple[int, int]:
        """Stores the pieces; returns the bytes and the number of those that were stored."""
        size = number = 0
        async with aclosing(_cut(pieces)) as parts:
            async for part in parts:
                size += len(part)
                if space is not None and size > space:
                    raise FileSpaceError
                await self._run(
                    partial(contents.add_piece, content=content, number=number, piece=part)
                )
                number += 1
        return size, number

    async def _pieces(self, content: Content) -> AsyncIterator[bytes]:
        for number in range(content.pieces):
            piece = await self._run(partial(contents.read_piece, content=content.id, number=number))
            if piece is None:  # half a file must not look like a whole one
                raise ledger.broken()
            yield piece

    async def _delete(self, content: str, unused_s: float = 0.0) -> None:
        delete = partial(contents.delete_part, content=content, unused_s=unused_s)
        while await self._run(delete):
            continue


async def _cut(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """Yields the same bytes in pieces of 1 MiB, and a last one."""
    waiting = bytearray()
    async for piece in pieces:
        waiting += piece
        while len(waiting) >= PIECE_BYTES:
            yield bytes(waiting[:PIECE_BYTES])
            del waiting[:PIECE_BYTES]
    if waiting:
        yield bytes(waiting)
