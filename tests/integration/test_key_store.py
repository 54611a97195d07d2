"""Keys of clients on disk: the contract of a store, and file-specific behaviour."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from modegate.adapters.sqlite.key_store import DIGEST_KEY_FILE, FILE, SqliteKeyStore
from modegate.domain.access.api_key import ApiKey
from modegate.domain.errors import StorageError
from modegate.testing.contracts.key_store import (
    BARE,
    KEY,
    SECRET,
    KeyStoreContract,
    renamed,
    rows_of,
)


class TestSqliteKeyStore(KeyStoreContract):
    @pytest.fixture(autouse=True)
    def in_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path
        self.opened = 0

    @asynccontextmanager
    async def store(self) -> AsyncIterator[SqliteKeyStore]:
        self.opened += 1
        async with opened(self.folder / str(self.opened)) as store:
            yield store


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[SqliteKeyStore]:
    store = SqliteKeyStore(folder)
    try:
        yield store
    finally:
        await store.aclose()


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_nothing_is_created_before_the_first_key(tmp_path: Path) -> None:
    async with opened(tmp_path / "state") as store:
        assert await rows_of(store) == {}
    assert not (tmp_path / "state").exists()


async def test_keys_survive_a_restart_in_files_private_to_the_user(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    async with opened(folder) as store:
        digest = (await store.digest_key()).digest(SECRET)
        added = await store.add(KEY)
        for path in (folder, *folder.iterdir()):
            assert path.stat().st_mode & 0o077 == 0, path
    async with opened(folder) as store:
        assert await rows_of(store) == {KEY.id: added}
        assert (await store.digest_key()).digest(SECRET) == digest


async def test_stores_that_start_at_once_share_one_digest_key(tmp_path: Path) -> None:
    stores = [SqliteKeyStore(tmp_path) for _ in range(16)]
    keys = await asyncio.gather(*(it.digest_key() for it in stores))
    assert len({it.digest(SECRET) for it in keys}) == 1
    assert names_in(tmp_path) == [DIGEST_KEY_FILE]
    for it in stores:
        await it.aclose()


async def test_stores_with_one_folder_do_not_lose_each_others_changes(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        await one.add(BARE)
        changes = [it.change(BARE.id, renamed) for it in (one, other) for _ in range(8)]
        revisions = {it.revision for it in await asyncio.gather(*changes)}
        assert len(revisions) == 16
        assert (await rows_of(one))[BARE.id].key.name == "bare" + "+" * 16


async def test_a_lost_digest_key_is_reported_and_made_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as store:
        await store.digest_key()
        await store.add(BARE)
    (tmp_path / DIGEST_KEY_FILE).unlink()
    async with opened(tmp_path) as store:
        assert (await store.digest_key()).digest(ApiKey("sk"))
    assert "rotate them" in caplog.text


async def test_a_cut_digest_key_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / DIGEST_KEY_FILE).write_bytes(b"short")
    async with opened(tmp_path) as store:
        with pytest.raises(StorageError):
            await store.digest_key()


@pytest.mark.parametrize("text", ["[]", "{", "{}", '{"rules": 1, "old_digest": "x"}'])
async def test_a_row_changed_by_hand_is_a_storage_error(tmp_path: Path, text: str) -> None:
    async with opened(tmp_path) as store:
        await store.add(BARE)
        with closing(sqlite3.connect(tmp_path / FILE)) as database, database:
            database.execute("UPDATE keys SET key = ?", (text,))
        with pytest.raises(StorageError):
            await store.load()


async def test_an_unusable_file_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"not a database" * 100)
    async with opened(tmp_path) as store:
        with pytest.raises(StorageError):
            await store.load()
        with pytest.raises(StorageError):
            await store.add(KEY)


async def test_a_change_survives_its_cancellation(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.add(BARE)
        changing = asyncio.create_task(store.change(BARE.id, renamed))
        await asyncio.sleep(0)
        changing.cancel()
        await asyncio.wait({changing})
        assert (await rows_of(store))[BARE.id].key == renamed(BARE)
