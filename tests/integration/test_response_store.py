"""Kept responses on disk: the contract, and what is the file's own."""

import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from modegate.adapters.sqlite.response_store import FILE, SqliteResponseStore
from modegate.domain.errors import StorageError
from modegate.domain.kept_response import DEFAULT_LIMITS, ResponseLimits
from modegate.testing.clock import FakeClock
from modegate.testing.contracts.response_store import (
    ADA,
    BOB,
    LIFETIME_S,
    ResponseStoreContract,
    found,
    response,
)


@asynccontextmanager
async def opened(
    folder: Path, clock: FakeClock | None = None, limits: ResponseLimits = DEFAULT_LIMITS
) -> AsyncIterator[SqliteResponseStore]:
    store = SqliteResponseStore(folder, clock or FakeClock(), limits)
    try:
        yield store
    finally:
        await store.aclose()


class TestSqliteResponseStore(ResponseStoreContract):
    @pytest.fixture(autouse=True)
    def in_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    @asynccontextmanager
    async def store(
        self, limits: ResponseLimits = DEFAULT_LIMITS
    ) -> AsyncIterator[SqliteResponseStore]:
        self.clock = FakeClock()
        async with opened(self.folder, self.clock, limits) as store:
            yield store

    async def pass_time(self) -> None:
        self.clock.advance(LIFETIME_S / 10)


async def test_nothing_is_created_before_the_first_response(tmp_path: Path) -> None:
    async with opened(tmp_path / "state") as store:
        assert await found(store, 1) == []
        assert not await store.remove("resp_mg_1", ADA)
        assert await store.expire() == 0
    assert not (tmp_path / "state").exists()


async def test_responses_survive_a_restart_in_files_private_to_the_user(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    async with opened(folder) as store:
        await store.put(response(1))
        for path in (folder, *folder.iterdir()):
            assert path.stat().st_mode & 0o077 == 0, path
    async with opened(folder) as store:
        assert await store.find(response(1).id, ADA) == response(1)


async def test_two_processes_share_the_responses_and_their_bounds(tmp_path: Path) -> None:
    limits = ResponseLimits(of_client=2)
    async with opened(tmp_path, limits=limits) as one, opened(tmp_path, limits=limits) as other:
        await one.put(response(1))
        await other.put(response(2))
        await one.put(response(3))
        assert await found(other, 1, 2, 3) == [2, 3]
        assert await one.remove(response(2).id, ADA)
        assert await found(other, 2) == []


@pytest.mark.parametrize("content", [b"", b"\x02 of a later version", "text"])
async def test_a_response_that_cannot_be_read_is_unknown(
    tmp_path: Path, content: object, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as store:
        await store.put(response(1))
        await store.put(response(2, BOB))
        with closing(sqlite3.connect(tmp_path / FILE)) as database, database:
            database.execute("UPDATE responses SET content = ? WHERE client = ?", (content, ADA))
        assert await found(store, 1) == []
        assert await found(store, 2, client=BOB) == [2]
        assert "cannot be read" in caplog.text
        assert await store.remove(response(1).id, ADA)


async def test_an_unusable_file_is_a_storage_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE).write_bytes(b"not a database" * 100)
    async with opened(tmp_path) as store:
        with caplog.at_level(logging.ERROR), pytest.raises(StorageError):
            await store.put(response(1))
        with pytest.raises(StorageError):
            await store.find(response(1).id, ADA)
    assert "response resp_mg_1 could not be kept" in caplog.text
