"""Batches and their files on disk: the contracts, and what is specific to files."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from modegate.adapters.sqlite.batches.file_store import FOLDER, SqliteFileStore
from modegate.adapters.sqlite.batches.queue import SqliteBatchQueue
from modegate.domain.batches.state import BatchState
from modegate.testing.clock import FakeClock
from modegate.testing.contracts.batch_queue import BatchQueueContract
from modegate.testing.contracts.batch_samples import LEASE_S, batch, entered, items, result
from modegate.testing.contracts.file_store import FileStoreContract, cut, file, pieces


class TestSqliteBatchQueue(BatchQueueContract):
    @pytest.fixture(autouse=True)
    def in_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @asynccontextmanager
    async def queue(self) -> AsyncIterator[SqliteBatchQueue]:
        self.clock = FakeClock(time.time())
        async with opened(self.folder, self.clock) as queue:
            yield queue

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)


class TestSqliteFileStore(FileStoreContract):
    @pytest.fixture(autouse=True)
    def in_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @asynccontextmanager
    async def store(self) -> AsyncIterator[SqliteFileStore]:
        async with stored(self.folder) as store:
            yield store


@asynccontextmanager
async def opened(folder: Path, clock: FakeClock) -> AsyncIterator[SqliteBatchQueue]:
    queue = SqliteBatchQueue(folder, clock, LEASE_S)
    try:
        yield queue
    finally:
        await queue.aclose()


@asynccontextmanager
async def stored(folder: Path) -> AsyncIterator[SqliteFileStore]:
    store = SqliteFileStore(folder)
    try:
        yield store
    finally:
        await store.aclose()


async def test_nothing_is_created_before_the_first_batch(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    async with opened(folder, FakeClock(time.time())) as queue, stored(folder) as store:
        assert await queue.take_due("w") is None
        assert list(await queue.claim("w", 1)) == []
        assert list(await queue.unrecorded(1)) == []
        await queue.give_back("w")
        await queue.expire(0.0, 1)
        assert await store.expire(0.0, 1) == 0
    assert not folder.exists()


async def test_several_processes_share_a_queue(tmp_path: Path) -> None:
    clock = FakeClock(time.time())
    async with opened(tmp_path, clock) as one, opened(tmp_path, clock) as other:
        await one.add(batch())
        await one.put_items(batch().id, items(40))
        await other.change(batch().id, lambda it: entered(BatchState.IN_PROGRESS, it))
        rounds = await asyncio.gather(
            *(queue.claim(f"w{it}", 5) for it in range(4) for queue in (one, other))
        )
        found = [it.item.number for claims in rounds for it in claims]
        assert sorted(found) == list(range(1, 41))
        both = await asyncio.gather(
            *(it.finish(result(batch().id, "item-1")) for it in (one, other))
        )
        assert sorted(both) == [False, True]


async def test_a_large_batch_does_not_hold_up_a_small_one(tmp_path: Path) -> None:
    async with opened(tmp_path, FakeClock(time.time())) as queue:
        for number, count in ((1, 100), (2, 3)):
            await queue.add(batch(number))
            await queue.put_items(batch(number).id, items(count))
            await queue.change(batch(number).id, lambda it: entered(BatchState.IN_PROGRESS, it))
        claimed = await queue.claim("w", 6)
        assert [it.batch_id for it in claimed].count(batch(2).id) == 3


async def test_a_file_that_was_cut_leaves_nothing_on_the_disk(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        await store.put(file(1), pieces(b"x"))
        with pytest.raises(ConnectionError):
            await store.put(file(2), cut())
        assert [it.name for it in (tmp_path / FOLDER).iterdir()] == [file(1).id]


async def test_what_a_killed_process_left_is_deleted(tmp_path: Path) -> None:
    async with stored(tmp_path) as store:
        await store.put(file(1), pieces(b"x"))
        left = tmp_path / FOLDER / "file-mg_2.draft"
        left.write_bytes(b"half")
        await store.expire(0.0, 10)
        assert left.exists()
        os.utime(left, (0, 0))
        await store.expire(0.0, 10)
        assert [it.name for it in (tmp_path / FOLDER).iterdir()] == [file(1).id]
