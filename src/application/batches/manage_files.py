"""The use cases of files for batches."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from modegate.application.ports.clock import Clock
from modegate.application.ports.configuration_source import ConfigurationSource
from modegate.application.ports.file_store import FileStore
from modegate.application.ports.ids import IdGenerator
from modegate.domain.access.client import ClientId
from modegate.domain.batches.file import ID_PREFIX, FileObject, FileSpaceError, Purpose
from modegate.domain.errors.catalogue import batches as errors
from modegate.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePage:
    """One page of a list; `has_more` states whether another one follows."""

    files: Sequence[FileObject]
    has_more: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ManageFiles:
    """Stores and shows the files of clients; another client's file is as one that is unknown."""

    files: FileStore
    configuration: ConfigurationSource
    clock: Clock
    ids: IdGenerator

    async def upload(
        self,
        client: ClientId,
        name: str,
        pieces: AsyncIterator[bytes],
        expires_after_s: float | None = None,
    ) -> FileObject:
        """Stores the input file of a batch while it arrives.

        Raises:
            PayloadTooLargeError: all files together would be too large.
            StorageError: it cannot be stored.
        """
        limits, now = self.configuration.current().batches, self.clock.time_of_day()
        life_s = min(expires_after_s or limits.retention_s, limits.retention_s)
        file = FileObject(
            id=f"{ID_PREFIX}{self.ids.session_id().replace('-', '')}",
            client=client,
            name=name,
            purpose=Purpose.BATCH,
            created_at=now,
            expires_at=now + life_s,
        )
        try:
            return await self.files.put(file, pieces, most=limits.max_bytes)
        except FileSpaceError:
            raise errors.no_space(limits.max_bytes) from None

    async def get(self, client: ClientId, file_id: str) -> FileObject:
        """Returns a file of the client.

        Raises:
            ObjectNotFoundError: the client has no such file.
        """
        found = await self.files.get(file_id)
        if found is None or found.client != client or found.expires_at <= self._now():
            raise errors.unknown_file()
        return found

    async def list(
        self,
        client: ClientId,
        *,
        purpose: Purpose | None,
        after: str | None,
        limit: int,
        newest_first: bool,
    ) -> FilePage:
        """Returns one page of the client's files."""
        found = await self.files.find(
            client, purpose=purpose, after=after, limit=limit + 1, newest_first=newest_first
        )
        shown = [it for it in found[:limit] if it.expires_at > self._now()]
        return FilePage(files=shown, has_more=len(found) > limit)

    @asynccontextmanager
    async def content(
        self, client: ClientId, file_id: str
    ) -> AsyncIterator[tuple[FileObject, AsyncIterator[bytes]]]:
        """Opens the content of a file.

        Raises:
            ObjectNotFoundError: the client has no such file.
        """
        file = await self.get(client, file_id)
        async with self.files.read(file.id) as pieces:
            if pieces is None:
                raise errors.unknown_file()
            yield file, pieces

    async def remove(self, client: ClientId, file_id: str) -> None:
        """Deletes a file.

        Raises:
            ObjectNotFoundError: the client has no such file.
        """
        await self.get(client, file_id)
        if not await self.files.remove(file_id):
            raise errors.unknown_file()

    def _now(self) -> float:
        return self.clock.time_of_day()
