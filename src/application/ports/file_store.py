"""The port for files of batches."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from modegate.domain.access.client import ClientId
from modegate.domain.batches.file import FileObject, Purpose


class FileStore(Protocol):
    """Stores files by their ids; several gateways may share a store.

    Every method raises `StorageError` if the store cannot be read or written.
    """

    async def put(
        self, file: FileObject, pieces: AsyncIterator[bytes], *, most: int | None = None
    ) -> FileObject:
        """Stores a file while its content arrives, and returns it with its size.

        All or nothing, also if it is cancelled or `pieces` raises. A file of the same id is
        replaced. When it returns, the file survives the end of the process, if the store outlives
        processes at all.

        Raises:
            FileSpaceError: all files would have more than `most` bytes together.
        """
        ...

    async def get(self, file_id: str) -> FileObject | None:
        """Returns the file without its content, or None."""
        ...

    async def find(
        self,
        client: ClientId,
        *,
        purpose: Purpose | None = None,
        after: str | None = None,
        limit: int,
        newest_first: bool = True,
    ) -> Sequence[FileObject]:
        """Returns one page of a client's files, sorted by the time of their creation.

        With `after`, the page begins behind the file of that id; it is empty if the client has none
        of that id.
        """
        ...

    def read(self, file_id: str) -> AbstractAsyncContextManager[AsyncIterator[bytes] | None]:
        """Opens the content, in pieces of at most 1 MiB; None if the file is unknown.

        A file that is removed while it is read can be read to its end.
        """
        ...

    async def remove(self, file_id: str) -> bool:
        """Deletes a file; returns False if it is unknown."""
        ...

    async def expire(self, now: float, limit: int) -> int:
        """Deletes files that have expired, at most `limit`, and returns their number.

        Also what a process that was killed has left of a file that it did not complete.
        """
        ...
