"""States of credentials on disk: the contract of a store, and file-specific behaviour."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from modegate.adapters.sqlite.credential_store import FILE, SqliteCredentialStore
from modegate.application.credentials.states import CredentialStates
from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import Credential
from modegate.domain.errors import StorageError
from modegate.testing.contracts.credential_store import (
    STATE,
    CredentialStoreContract,
    change_of,
    counts,
    rows_of,
)

SECRET = "sk-test-0123456789abcdef"  # noqa: S105 - not one


class TestSqliteCredentialStore(CredentialStoreContract):
    @pytest.fixture(autouse=True)
    def in_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "state"

    @asynccontextmanager
    async def store(self) -> AsyncIterator[SqliteCredentialStore]:
        async with opened(self.folder) as store:
            yield store


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[SqliteCredentialStore]:
    store = SqliteCredentialStore(folder)
    try:
        yield store
    finally:
        await store.aclose()


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def test_states_survive_a_restart_in_files_private_to_the_user(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    async with opened(folder) as store:
        await store.save([change_of("a")])
        for path in (folder, *folder.iterdir()):
            assert path.stat().st_mode & 0o077 == 0, path
    async with opened(folder) as store:
        assert (await rows_of(store))["a"].state == STATE


async def test_a_file_holds_no_key(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        states = CredentialStates(store)
        await states.load()
        states.of(Credential("a", ApiKey(SECRET))).succeed(1.0)
        states.note("a", urgent=True)
        await states.save()
        assert [row.state.requests for row in await store.load()] == [1]
        assert [path for path in files_in(tmp_path) if SECRET.encode() in path.read_bytes()] == []


async def test_a_save_is_stored_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        with pytest.raises(StorageError):
            await store.save([change_of("a"), change_of("\ud800")])
        assert await rows_of(store) == {}


async def test_a_database_of_a_later_version_is_a_storage_error(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        database.execute("PRAGMA user_version = 99")
    async with opened(tmp_path) as store:
        with pytest.raises(StorageError, match="later version"):
            await store.load()


@pytest.mark.parametrize("content", [b"not a database" * 100, None], ids=["broken", "a folder"])
async def test_an_unusable_file_is_a_storage_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / FILE
    path.mkdir() if content is None else path.write_bytes(content)
    async with opened(tmp_path) as store:
        with pytest.raises(StorageError):
            await store.load()
        with pytest.raises(StorageError):
            await store.save([change_of("a")])


async def test_a_read_only_database_can_be_read_but_not_written(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.save([change_of("a")])
        await store._thread.run(lambda db: db.execute("PRAGMA query_only = ON"))  # noqa: SLF001
        assert (await rows_of(store))["a"].state == STATE
        with pytest.raises(StorageError):
            await store.save([counts("a", 1)])


async def test_a_full_database_keeps_what_it_has(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.save([change_of("a")])
        await store._thread.run(lambda db: db.execute("PRAGMA max_page_count = 1"))  # noqa: SLF001
        with pytest.raises(StorageError) as full:
            await store.save([change_of(f"{number}" * 500) for number in range(9)])
        assert "full" in full.value.message
        assert set(await rows_of(store)) == {"a"}


@pytest.mark.parametrize("state", ["[]", "{", '{"cooldown": 1}', '{"cooldown": {}}'])
async def test_a_row_changed_by_hand_is_a_storage_error(tmp_path: Path, state: str) -> None:
    async with opened(tmp_path) as store:
        await store.save([change_of("a")])
        with closing(sqlite3.connect(tmp_path / FILE)) as database, database:
            database.execute("UPDATE credentials SET state = ?", (state,))
        with pytest.raises(StorageError):
            await store.load()


async def test_fields_of_a_later_version_are_ignored(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.save([change_of("a")])
        with closing(sqlite3.connect(tmp_path / FILE)) as database, database:
            database.execute("UPDATE credentials SET state = json_set(state, '$.mood', 'good')")
        assert (await rows_of(store))["a"].state == STATE


async def test_revisions_go_on_in_a_new_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.save([change_of("a")])
        last = (await rows_of(store))["a"].revision
        for path in files_in(tmp_path):
            path.unlink()
        await store.save([change_of("b")])
        assert set(await rows_of(store, last)) == {"b"}


async def test_a_closed_store_is_a_storage_error(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.save([change_of("a")])
    await store.aclose()
    with pytest.raises(StorageError):
        await store.load()


ADD = """
import asyncio, sys
from pathlib import Path
from modegate.adapters.sqlite.credential_store import SqliteCredentialStore
from modegate.testing.contracts.credential_store import counts

async def add():
    store = SqliteCredentialStore(Path(sys.argv[1]))
    for _ in range(50):
        await store.save([counts("a", 1)])
    await store.aclose()

asyncio.run(add())
"""


async def test_several_processes_add_their_counts(tmp_path: Path) -> None:
    others = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", ADD, str(tmp_path))
        for _ in range(3)
    ]
    assert [await other.wait() for other in others] == [0, 0, 0]
    async with opened(tmp_path) as store:
        assert (await rows_of(store))["a"].state.requests == 150
