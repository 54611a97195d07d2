"""The contract suite of file stores, run on the memory store and on broken fakes."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from support.contracts import duties_of, expect_failure

from modegate.adapters.memory.file_store import MemoryFileStore
from modegate.domain.access.client import ClientId
from modegate.domain.batches.file import FileObject, FileSpaceError, Purpose
from modegate.testing.contracts.file_store import FileStoreContract


class TestMemoryFileStore(FileStoreContract):
    @asynccontextmanager
    async def store(self) -> AsyncIterator[MemoryFileStore]:
        yield MemoryFileStore()


class Unsized(MemoryFileStore):
    async def put(
        self, file: FileObject, pieces: AsyncIterator[bytes], *, most: int | None = None
    ) -> FileObject:
        await super().put(file, pieces, most=most)
        return file


class Appending(MemoryFileStore):
    async def put(
        self, file: FileObject, pieces: AsyncIterator[bytes], *, most: int | None = None
    ) -> FileObject:
        content = self._files[file.id][1] if file.id in self._files else b""
        parts = [it async for it in pieces]

        async def all_of_it() -> AsyncIterator[bytes]:
            for part in (content, *parts):
                yield part

        return await super().put(file, all_of_it(), most=most)


class Unbounded(MemoryFileStore):
    async def put(
        self, file: FileObject, pieces: AsyncIterator[bytes], *, most: int | None = None
    ) -> FileObject:
        del most
        return await super().put(file, pieces)


class Leaving(MemoryFileStore):
    async def put(
        self, file: FileObject, pieces: AsyncIterator[bytes], *, most: int | None = None
    ) -> FileObject:
        self._files[file.id] = (file, b"")
        with suppress(FileSpaceError):
            return await super().put(file, pieces, most=most)
        raise FileSpaceError


class Whole(MemoryFileStore):
    @asynccontextmanager
    async def read(self, file_id: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
        async def whole() -> AsyncIterator[bytes]:
            yield self._files[file_id][1]

        yield whole()


class Live(MemoryFileStore):
    @asynccontextmanager
    async def read(self, file_id: str) -> AsyncIterator[AsyncIterator[bytes] | None]:
        async def live() -> AsyncIterator[bytes]:
            while file_id in self._files:
                yield b"a"

        yield live() if file_id in self._files else None


class Shared(MemoryFileStore):
    async def find(
        self,
        client: ClientId,
        *,
        purpose: Purpose | None = None,
        after: str | None = None,
        limit: int,
        newest_first: bool = True,
    ) -> Sequence[FileObject]:
        del client, after, purpose, newest_first
        return [it for it, _ in self._files.values()][:limit]


class Hoarding(MemoryFileStore):
    async def remove(self, file_id: str) -> bool:
        return file_id in self._files

    async def expire(self, now: float, limit: int) -> int:
        del now, limit
        return 0


BROKEN: Mapping[str, type[MemoryFileStore]] = {
    "test_a_file_is_stored_with_its_content": Unsized,
    "test_an_unknown_file_is_none": Whole,
    "test_a_large_content_is_read_in_pieces": Whole,
    "test_a_file_of_the_same_id_is_replaced": Appending,
    "test_nothing_is_left_of_a_file_that_was_cut": Leaving,
    "test_all_files_together_have_a_limit": Unbounded,
    "test_a_client_finds_its_own_files_in_pages": Shared,
    "test_a_removed_file_is_unknown": Hoarding,
    "test_a_file_that_is_removed_while_it_is_read_can_be_read_to_its_end": Live,
    "test_expired_files_are_deleted": Hoarding,
}


def test_every_duty_has_a_broken_store() -> None:
    assert set(BROKEN) == duties_of(FileStoreContract)


@pytest.mark.parametrize(("duty", "broken"), BROKEN.items())
async def test_a_broken_store_fails_its_duty(duty: str, broken: type[Any]) -> None:
    class Suite(FileStoreContract):
        @asynccontextmanager
        async def store(self) -> AsyncIterator[MemoryFileStore]:
            yield broken()

    await expect_failure(getattr(Suite(), duty))
