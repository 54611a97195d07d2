"""Sessions on disk: the contract of a store, and file-specific behaviour."""

import asyncio
import errno
import fcntl
import os
import sqlite3
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from support.waiting import until

from modegate.adapters.sqlite import database
from modegate.adapters.sqlite.session_store import FILE, SqliteSessionStore
from modegate.domain.errors import SessionBusyError, StorageError
from modegate.testing.contracts.session_holds import ONE, TWO, session
from modegate.testing.contracts.session_store import SessionStoreContract


class TestSqliteSessionStore(SessionStoreContract):
    @pytest.fixture(autouse=True)
    def in_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "state"

    @asynccontextmanager
    async def store(self) -> AsyncIterator[SqliteSessionStore]:
        async with opened(self.folder) as store:
            yield store


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[SqliteSessionStore]:
    store = SqliteSessionStore(folder)
    try:
        yield store
    finally:
        await store.aclose()


async def test_sessions_survive_a_restart_in_files_private_to_the_user(tmp_path: Path) -> None:
    async with opened(tmp_path / "state") as store:
        await store.put(session(ONE))
    async with opened(tmp_path / "state") as store:
        assert await store.get(ONE) == session(ONE)
    for path in (tmp_path / "state", *(tmp_path / "state").iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path


async def test_closing_a_store_is_idempotent(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await store.put(session(ONE))
        await store.aclose()


async def test_two_stores_in_one_directory_share_sessions_and_locks(tmp_path: Path) -> None:
    async with opened(tmp_path) as first, opened(tmp_path) as second:
        await first.put(session(ONE))
        assert await second.get(ONE) == session(ONE)
        await second.remove(ONE)
        assert await first.get(ONE) is None
        async with first.hold(ONE):
            with pytest.raises(SessionBusyError):
                async with second.hold(ONE):
                    pass


HOLD = """
import sys
from pathlib import Path
from modegate.adapters.sqlite.session_locks import SessionLocks
print(SessionLocks(Path(sys.argv[1])).take(sys.argv[2]), flush=True)
sys.stdin.read()
"""


async def test_another_processs_session_lock_lasts_until_that_process_ends(tmp_path: Path) -> None:
    other = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLD, str(tmp_path / "sessions.lock"), ONE),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"True\n"
    async with opened(tmp_path) as store:
        with pytest.raises(SessionBusyError):
            async with store.hold(ONE):
                pass
        async with store.hold(TWO):
            pass
        other.kill()
        await other.wait()
        async with store.hold(ONE):
            pass


async def test_closing_a_store_releases_only_its_own_session_locks(
    tmp_path: Path,
) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    async with opened(tmp_path) as first:
        async with opened(tmp_path / "link") as second, first.hold(ONE):
            left = second.hold(TWO)
            await left.__aenter__()
            await second.aclose()
            assert [await another_process_can_lock(tmp_path, name) for name in (ONE, TWO)] == [
                False,
                True,
            ]
            async with first.hold(TWO):
                await left.__aexit__(None, None, None)
                assert not await another_process_can_lock(tmp_path, TWO)
        assert await another_process_can_lock(tmp_path, ONE)


async def another_process_can_lock(folder: Path, name: str) -> bool:
    """Whether another process can acquire the session's lock."""
    other = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLD, str(folder / "sessions.lock"), name),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await other.communicate()
    return told == b"True\n"


async def test_a_lock_file_that_cannot_be_opened_is_a_storage_error_not_a_busy_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    async with opened(tmp_path) as store:
        with monkeypatch.context() as patched:
            patched.setattr(os, "open", refuse)  # file permissions would not stop root
            with pytest.raises(StorageError, match="the state folder"):
                async with store.hold(ONE):
                    pass
        assert "Permission denied" in caplog.text
        async with store.hold(ONE):
            pass


class SlowDisk:
    """Blocks the system call that acquires or releases a lock until `go_on` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.blocking: int | None = None
        self.blocked, self.go_on = threading.Event(), threading.Event()
        self.threads: set[threading.Thread] = set()
        self._lockf = fcntl.lockf
        monkeypatch.setattr(fcntl, "lockf", self.lockf)

    def lockf(self, descriptor: int, operation: int, *place: int) -> None:
        self.threads.add(threading.current_thread())
        if operation == self.blocking:
            self.blocked.set()
            assert self.go_on.wait(30)
        self._lockf(descriptor, operation, *place)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> SlowDisk:
    return SlowDisk(monkeypatch)


async def hold_until_cancelled(store: SqliteSessionStore, held: asyncio.Event) -> None:
    async with store.hold(ONE):
        held.set()
        await asyncio.Event().wait()


async def free(store: SqliteSessionStore) -> None:
    """Waits until the session can be held."""
    async with asyncio.timeout(30):
        while True:
            try:
                async with store.hold(ONE):
                    return
            except SessionBusyError:
                await asyncio.sleep(0.01)


async def test_file_locks_do_not_block_the_event_loop(tmp_path: Path, disk: SlowDisk) -> None:
    async with opened(tmp_path) as store:
        async with store.hold(ONE):
            pass
        assert disk.threads
        assert threading.current_thread() not in disk.threads


async def test_a_session_lock_cancelled_while_it_is_acquired_is_released(
    tmp_path: Path, disk: SlowDisk
) -> None:
    disk.blocking = fcntl.LOCK_EX | fcntl.LOCK_NB
    async with opened(tmp_path) as store:
        task = asyncio.create_task(hold_until_cancelled(store, asyncio.Event()))
        await until(disk.blocked.is_set)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        disk.go_on.set()
        await free(store)


async def test_a_session_lock_cancelled_while_it_is_released_is_released(
    tmp_path: Path, disk: SlowDisk
) -> None:
    disk.blocking = fcntl.LOCK_UN
    async with opened(tmp_path) as store:
        task = asyncio.create_task(hold_until_cancelled(store, held := asyncio.Event()))
        await held.wait()
        task.cancel()
        await until(disk.blocked.is_set)
        task.cancel()
        await asyncio.wait({task})
        disk.go_on.set()
        await free(store)


@pytest.fixture
def locked_database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A new database that another connection has locked; SQLite itself does not wait for it."""
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


async def test_opening_a_new_database_waits_for_another_writer(
    tmp_path: Path, locked_database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "sleep", lambda _: locked_database.execute("COMMIT"))
    async with opened(tmp_path) as store:
        await store.put(session(ONE))


async def test_opening_a_locked_database_fails_after_a_timeout_and_can_be_retried(
    tmp_path: Path, locked_database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    async with opened(tmp_path) as store:
        with pytest.raises(StorageError):
            await store.find()
        locked_database.execute("COMMIT")
        assert await store.find() == []


async def test_a_file_that_is_no_database_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("not a database, but long enough to be looked at as one" * 100)
    async with opened(tmp_path) as store:
        with pytest.raises(StorageError, match="the state folder"):
            await store.get(ONE)


async def test_a_database_of_a_later_version_is_rejected_and_kept(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE)) as later:
        later.execute("PRAGMA user_version = 99")
    async with opened(tmp_path) as store:
        with pytest.raises(StorageError, match="later version"):
            await store.find()
        assert (tmp_path / FILE).exists()


async def test_a_directory_that_cannot_be_created_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    async with opened(tmp_path / "file") as store:
        with pytest.raises(StorageError):
            await store.put(session(ONE))
        with pytest.raises(StorageError):
            async with store.hold(ONE):
                pass
