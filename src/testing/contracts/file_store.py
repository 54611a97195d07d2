"""The contract of a `FileStore`."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from modegate.application.ports.file_store import FileStore
from modegate.domain.access.client import ClientId
from modegate.domain.batches.file import FileObject, FileSpaceError, Purpose

CLIENT = ClientId("client")
MIB = 1024 * 1024


def file(number: int, purpose: Purpose = Purpose.BATCH, client: ClientId = CLIENT) -> FileObject:
    """Returns a file that is not stored."""
    return FileObject(
        id=f"file-mg_{number:032x}",
        client=client,
        name=f"{number} é.jsonl",
        purpose=purpose,
        created_at=1000.5 + number,
        expires_at=2000.5 + number,
    )


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    """Yields the parts of a content."""
    for part in parts:
        yield part


async def cut() -> AsyncIterator[bytes]:
    """Yields a part, and fails."""
    yield b"begun"
    raise ConnectionError("cut")


async def content_of(store: FileStore, file_id: str) -> bytes | None:
    """Returns the whole content of a file."""
    async with store.read(file_id) as content:
        return None if content is None else b"".join([it async for it in content])


@pytest.mark.anyio
class FileStoreContract(ABC):
    """Tests the empty store that `store` returns."""

    @abstractmethod
    def store(self) -> AbstractAsyncContextManager[FileStore]:
        """Returns the context of a new, empty store."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop library."""
        return "asyncio"

    async def test_a_file_is_stored_with_its_content(self) -> None:
        async with self.store() as store:
            stored = await store.put(file(1), pieces(b"one\n", b"two"))
            assert stored == replace(file(1), size=7)
            assert await store.get(stored.id) == stored
            assert await content_of(store, stored.id) == b"one\ntwo"

    async def test_an_unknown_file_is_none(self) -> None:
        async with self.store() as store:
            assert await store.get("file-mg_0") is None
            assert await content_of(store, "file-mg_0") is None
            assert await store.remove("file-mg_0") is False

    async def test_a_large_content_is_read_in_pieces(self) -> None:
        async with self.store() as store:
            await store.put(file(1), pieces(b"a" * 3 * MIB, b"b"))
            async with store.read(file(1).id) as content:
                assert content is not None
                found = [it async for it in content]
            assert max(map(len, found)) <= MIB
            assert b"".join(found) == b"a" * 3 * MIB + b"b"

    async def test_a_file_of_the_same_id_is_replaced(self) -> None:
        async with self.store() as store:
            await store.put(file(1), pieces(b"first"))
            await store.put(file(1), pieces(b"second one"))
            assert await content_of(store, file(1).id) == b"second one"
            assert [it.size for it in await store.find(CLIENT, limit=5)] == [10]

    async def test_nothing_is_left_of_a_file_that_was_cut(self) -> None:
        async with self.store() as store:
            with pytest.raises(ConnectionError):
                await store.put(file(1), cut())
            assert await store.get(file(1).id) is None
            assert await content_of(store, file(1).id) is None

    async def test_all_files_together_have_a_limit(self) -> None:
        async with self.store() as store:
            await store.put(file(1), pieces(b"12345"), most=10)
            with pytest.raises(FileSpaceError):
                await store.put(file(2), pieces(b"12345", b"6"), most=10)
            assert await store.get(file(2).id) is None
            await store.put(file(2), pieces(b"12345"), most=10)
            await store.put(file(3), pieces(b"6"))
            await store.put(file(1), pieces(b"1234"), most=10)

    async def test_a_client_finds_its_own_files_in_pages(self) -> None:
        async with self.store() as store:
            for number in (1, 2, 3):
                await store.put(file(number), pieces(b"x"))
            await store.put(file(4, Purpose.BATCH_OUTPUT), pieces(b"x"))
            other = file(5, client=ClientId("other"))
            await store.put(other, pieces(b"x"))
            found = await store.find(CLIENT, limit=10)
            assert [it.id for it in found] == [file(it).id for it in (4, 3, 2, 1)]
            found = await store.find(CLIENT, limit=10, newest_first=False, after=file(1).id)
            assert [it.id for it in found] == [file(it).id for it in (2, 3, 4)]
            found = await store.find(CLIENT, limit=2, purpose=Purpose.BATCH)
            assert [it.id for it in found] == [file(3).id, file(2).id]
            assert list(await store.find(CLIENT, limit=2, after=other.id)) == []

    async def test_a_removed_file_is_unknown(self) -> None:
        async with self.store() as store:
            await store.put(file(1), pieces(b"x"))
            assert await store.remove(file(1).id) is True
            assert await store.get(file(1).id) is None
            assert await content_of(store, file(1).id) is None

    async def test_a_file_that_is_removed_while_it_is_read_can_be_read_to_its_end(self) -> None:
        async with self.store() as store:
            await store.put(file(1), pieces(b"a" * 2 * MIB))
            async with store.read(file(1).id) as content:
                assert content is not None
                found = [await anext(content)]
                await store.remove(file(1).id)
                found += [it async for it in content]
            assert len(b"".join(found)) == 2 * MIB

    async def test_expired_files_are_deleted(self) -> None:
        async with self.store() as store:
            for number in (1, 2, 3):
                await store.put(file(number), pieces(b"x"))
            assert await store.expire(2001.0, 10) == 0
            assert await store.expire(2002.5, 1) == 1
            assert await store.expire(2002.5, 10) == 1
            assert [it.id for it in await store.find(CLIENT, limit=10)] == [file(3).id]
