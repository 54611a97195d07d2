"""Files of batches in PostgreSQL: their contract, cuts, cancellations and what is left behind."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from itertools import count
from urllib.parse import quote

import psycopg
import pytest
from support.postgres import PostgresServer, postgres_server
from support.waiting import until

from modegate.adapters.postgres.batches.file_store import PostgresFileStore
from modegate.adapters.postgres.batches.queue import PostgresBatchQueue
from modegate.adapters.postgres.options import PostgresOptions
from modegate.domain.errors import StorageError
from modegate.testing.contracts.file_store import (
    CLIENT,
    MIB,
    FileStoreContract,
    content_of,
    file,
    pieces,
)

NUMBERS = count()
ALL = "SELECT (SELECT count(*) FROM modegate_contents), (SELECT count(*) FROM modegate_pieces)"
HOURS_LATER = "UPDATE modegate_contents SET touched_at = touched_at - 7200"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with postgres_server() as started:
        yield started


@pytest.fixture
def url(server: PostgresServer) -> str:
    """The address of an empty database: a schema of its own."""
    name = f"t{next(NUMBERS)}"
    execute(server.url, f"CREATE SCHEMA {name}")
    return f"{server.url}?options={quote(f'-csearch_path={name}')}"


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresFileStore]:
    store = PostgresFileStore(PostgresOptions(url))
    try:
        yield store
    finally:
        await store.aclose()


class TestPostgresFileStore(FileStoreContract):
    @pytest.fixture(autouse=True)
    def at(self, url: str) -> None:
        self.url = url

    @asynccontextmanager
    async def store(self) -> AsyncIterator[PostgresFileStore]:
        async with opened(self.url) as store:
            yield store


async def test_every_gateway_reads_the_file_of_another(url: str) -> None:
    async with opened(url) as one, opened(url) as other:
        await one.put(file(1), pieces(b"a" * MIB, b"b" * MIB, b"c"))
        assert await content_of(other, file(1).id) == b"a" * MIB + b"b" * MIB + b"c"
        sizes = execute(url, "SELECT octet_length(bytes) FROM modegate_pieces ORDER BY number")
        assert sizes == [(MIB,), (MIB,), (1,)]


async def test_names_and_ids_have_any_characters(url: str) -> None:
    queue = PostgresBatchQueue(PostgresOptions(url))
    odd = replace(file(1), name="a\0\ud800é")
    async with opened(url) as store:
        await store.put(odd, pieces(b"x"))
        found = await store.get(odd.id)
        assert found is not None
        assert found.name == odd.name
        for unknown in ("file-mg_\0", "file-mg_\ud800", "file-mg_é"):
            assert await store.get(unknown) is None
            assert await content_of(store, unknown) is None
            assert await store.remove(unknown) is False
            assert list(await store.find(CLIENT, after=unknown, limit=1)) == []
            assert await queue.get(unknown) is None
            assert list(await queue.find(CLIENT, after=unknown, limit=1)) == []
    await queue.aclose()


async def test_nothing_is_left_of_an_upload_that_is_cancelled(url: str) -> None:
    async with opened(url) as store:

        async def endless() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * MIB

        for number in range(5):
            task = asyncio.create_task(store.put(file(1), endless()))
            await until(lambda number=number: written(url) > number)  # type: ignore[misc]
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert execute(url, ALL) == [(0, 0)]
        assert await store.get(file(1).id) is None


def written(url: str) -> int:
    with suppress(psycopg.errors.UndefinedTable):
        ((number,),) = execute(url, "SELECT count(*) FROM modegate_pieces")
        return int(str(number))
    return 0


async def test_an_upload_that_is_cancelled_at_its_end_is_whole_or_absent(url: str) -> None:
    async with opened(url) as store:
        await store.put(file(0), pieces(b"connected"))
        for number in range(12):
            task = asyncio.create_task(store.put(file(1), pieces(b"abc")))
            await asyncio.sleep(number / 1000)  # any moment will do
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            assert await content_of(store, file(1).id) in (None, b"abc")
            await store.remove(file(1).id)


async def test_contents_without_a_file_are_deleted_when_nobody_uses_them(url: str) -> None:
    async with opened(url) as store:
        await store.put(file(1), pieces(b"kept"))
        await store.put(file(2), pieces(b"a" * MIB, b"b"))
        await store.remove(file(2).id)
        await store.put(file(3), pieces(b"replaced"))
        await store.put(file(3), pieces(b"new"))
        assert await store.expire(0.0, 1) == 0
        assert execute(url, ALL) == [(4, 5)]
        execute(url, HOURS_LATER)
        assert await store.expire(0.0, 1) == 0
        assert execute(url, ALL) == [(2, 2)]
        assert await content_of(store, file(1).id) == b"kept"
        assert await content_of(store, file(3).id) == b"new"


async def test_a_removed_file_that_is_read_for_hours_stays(url: str) -> None:
    async with opened(url) as store:
        await store.put(file(1), pieces(b"a" * MIB, b"b" * MIB, b"c"))
        async with store.read(file(1).id) as content:
            assert content is not None
            await store.remove(file(1).id)
            found = []
            async for piece in content:
                found.append(piece)
                execute(url, "UPDATE modegate_contents SET touched_at = touched_at - 3000")
                await store.expire(0.0, 10)
        assert b"".join(found) == b"a" * MIB + b"b" * MIB + b"c"
        execute(url, HOURS_LATER)
        await store.expire(0.0, 10)
        assert execute(url, ALL) == [(0, 0)]


async def test_an_upload_whose_content_was_deleted_fails(url: str) -> None:
    async with opened(url) as store:

        async def slow() -> AsyncIterator[bytes]:
            yield b"a" * MIB
            execute(url, HOURS_LATER)
            await store.expire(0.0, 10)
            yield b"b"

        with pytest.raises(StorageError):
            await store.put(file(1), slow())
        assert await store.get(file(1).id) is None
        assert execute(url, ALL) == [(0, 0)]


async def test_a_file_with_a_lost_piece_is_not_shorter(url: str) -> None:
    async with opened(url) as store:
        await store.put(file(1), pieces(b"a" * MIB, b"b"))
        execute(url, "DELETE FROM modegate_pieces WHERE number = 1")
        with pytest.raises(StorageError):
            await content_of(store, file(1).id)


async def test_large_contents_are_deleted_in_parts(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modegate.adapters.postgres.batches.contents.DELETED_AT_ONCE", 2)
    async with opened(url) as store:
        await store.put(file(1), pieces(b"a" * 4 * MIB))
        await store.remove(file(1).id)
        execute(url, HOURS_LATER)
        await store.expire(0.0, 1)
        assert execute(url, ALL) == [(0, 0)]


async def test_two_uploads_do_not_take_the_same_space(url: str) -> None:
    async with opened(url) as one, opened(url) as other:
        results = await asyncio.gather(
            *(
                store.put(file(number), pieces(b"123456"), most=10)
                for number, store in enumerate((one, other, one, other))
            ),
            return_exceptions=True,
        )
        assert sum(not isinstance(it, Exception) for it in results) == 1
        assert len(await one.find(CLIENT, limit=9)) == 1


async def test_a_server_that_comes_back_is_used_again(url: str, server: PostgresServer) -> None:
    async with opened(url) as store:
        await store.put(file(1), pieces(b"before"))

        async def cut() -> AsyncIterator[bytes]:
            yield b"a" * MIB
            await asyncio.to_thread(server.kill)
            yield b"b"

        try:
            with pytest.raises(StorageError):
                await store.put(file(2), cut())
        finally:
            await asyncio.to_thread(server.start)
        assert await content_of(store, file(1).id) == b"before"
        assert await store.get(file(2).id) is None
        execute(url, HOURS_LATER)
        await store.expire(0.0, 10)
        assert execute(url, ALL) == [(1, 1)]
