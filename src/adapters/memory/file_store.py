"""Files of batches in memory; they end with the process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from modegate.domain.access.client import ClientId
from modegate.domain.batches.file import FileObject, FileSpaceError, Purpose

PIECE_BYTES = 1024 * 1024


class MemoryFileStore:
    """Keeps files in a dictionary, for tests."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[FileObject, bytes]] = {}

    async def put(
        self, file: FileObject, pieces: AsyncIterator[bytes], *, most: int | None = None
    ) -> FileObject:
        """Stores a file while its content arrives."""
        content = bytearray()
        async for piece in pieces:
            content += piece
            if most is not None and self._size_without(file.id) + len(content) > most:
                raise FileSpaceError
        stored = replace(file, size=len(content))
        self._files[file.id] = (stored, bytes(content))
        return stored

    async def get(self, file_id: str) -> FileObject | None:
        """Returns the file without its content, or None."""
        found = self._files.get(file_id)
        return None if found is None else found[0]

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
        own = [it for it, _ in self._files.values() if it.client == client]
        own.sort(key=lambda it: (it.created_at, it.id), reverse=newest_first)
        ids = [it.id for it in own]
        if after is not None:
            own = own[ids.index(after) + 1 :] if after in ids else []
        return [it for it in own if purpose is None or it.purpose is purpose][:limit]

    @asynccontextmanager
    async def read(self, file_id: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
        """Opens the content."""
        found = self._files.get(file_id)
        yield None if found is None else _pieces(found[1])

    async def remove(self, file_id: str) -> bool:
        """Deletes a file."""
        return self._files.pop(file_id, None) is not None

    async def expire(self, now: float, limit: int) -> int:
        """Deletes files that have expired."""
        old = [it.id for it, _ in self._files.values() if it.expires_at <= now][:limit]
        for file_id in old:
            del self._files[file_id]
        return len(old)

    def _size_without(self, file_id: str) -> int:
        return sum(it.size for it, _ in self._files.values() if it.id != file_id)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), PIECE_BYTES):
        yield content[start : start + PIECE_BYTES]
