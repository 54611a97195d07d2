"""Failed writes, one at a time, and the state that they leave."""

import errno
import io
import json
import logging
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from modegate.adapters.claude_cli.session_folder import disk_space, transcript_rollback
from modegate.adapters.claude_cli.session_folder.disk_space import (
    ROOM_BYTES,
    check_room,
    has_answer,
    has_cut_line,
)
from modegate.adapters.claude_cli.session_folder.session_directories import SessionDirectories
from modegate.adapters.sqlite.database import open_database
from modegate.adapters.sqlite.migrations import Steps
from modegate.adapters.sqlite.session_store import FILE, SPARE, SqliteSessionStore
from modegate.adapters.sqlite.spare import SPARE_BYTES
from modegate.domain.errors import SessionBusyError, StorageError
from modegate.domain.session import SessionId
from modegate.entrypoints.bootstrap.log_config import BatchingHandler, JsonFormatter
from modegate.testing.contracts.session_holds import ONE, TWO, session

FAULTS = [
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EIO,
    errno.ENOENT,
    errno.EMFILE,
]
Refuse = Callable[..., int]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteSessionStore]:
    made = SqliteSessionStore(tmp_path / "state")
    await made.put(session(ONE))
    yield made
    await made.aclose()


def refusing(code: int) -> Refuse:
    def refuse(*_: object, **__: object) -> int:
        raise OSError(code, os.strerror(code), "/secret")

    return refuse


async def set_page_limit(store: SqliteSessionStore, more: int) -> None:
    """Limits the growth of the database to `more` pages, as on a full disk."""

    def limit(database: sqlite3.Connection) -> None:
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages + more}")

    await store._run(limit)  # noqa: SLF001 - a real disk cannot be filled here


async def test_a_full_store_rejects_reservations_but_can_be_read(
    store: SqliteSessionStore,
) -> None:
    await set_page_limit(store, 0)
    with pytest.raises(StorageError, match="full") as refused:
        await store.reserve(session(TWO, "x" * 20_000))
    assert refused.value.retry_after is None
    assert store.storage_state() == "error"
    assert await store.find() == [session(ONE)]
    assert store.storage_state() == "error"  # what can be read need not be writable
    await set_page_limit(store, 1000)
    await store.reserve(session(TWO, "x" * 20_000))
    assert store.storage_state() == "ok"
    await store.put(session(TWO))
    assert len(await store.find()) == 2


async def test_a_large_session_reserves_its_own_size(store: SqliteSessionStore) -> None:
    await set_page_limit(store, 3)
    await store.reserve(session(TWO))
    with pytest.raises(StorageError):
        await store.reserve(session(TWO, "x" * 20_000))


async def test_a_spare_file_reserves_space_for_the_write_after_an_answer(
    store: SqliteSessionStore, tmp_path: Path
) -> None:
    spare = tmp_path / "state" / SPARE
    await store.reserve(session(TWO))
    assert spare.stat().st_size == SPARE_BYTES
    assert spare.stat().st_mode & 0o077 == 0
    await set_page_limit(store, 0)
    with pytest.raises(StorageError):  # the page limit still applies; freed space does not help
        await store.put(session(TWO, "x" * 20_000))
    assert not spare.exists()
    await set_page_limit(store, 1000)
    await store.reserve(session(TWO))
    assert spare.exists()


@pytest.mark.parametrize("code", FAULTS)
async def test_a_reservation_fails_if_the_spare_file_cannot_be_written(
    code: int, store: SqliteSessionStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", refusing(code))
        with pytest.raises(StorageError) as refused:
            await store.reserve(session(TWO))
        assert "secret" not in refused.value.message
        assert (refused.value.retry_after is not None) == (code == errno.EMFILE)
        assert not (tmp_path / "state" / SPARE).exists()
    await store.reserve(session(TWO))


async def test_a_session_that_could_not_be_stored_is_logged(
    store: SqliteSessionStore, caplog: pytest.LogCaptureFixture
) -> None:
    await set_page_limit(store, 0)
    with pytest.raises(StorageError):
        await store.put(session(TWO, "x" * 20_000))
    assert f"session {TWO} could not be kept" in caplog.text


async def test_storage_checks_log_only_state_changes(
    store: SqliteSessionStore, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", refusing(errno.ENOSPC))
        for _ in range(3):
            await store.check_storage()
            assert store.storage_state() == "error"
    for _ in range(2):
        await store.check_storage()
        assert store.storage_state() == "ok"
    assert caplog.text.count("storage failed") == 1
    assert caplog.text.count("storage recovered") == 1


async def test_a_removed_state_directory_is_recreated(
    store: SqliteSessionStore, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "state")
    assert await store.get(ONE) is None
    await store.reserve(session(TWO))
    await store.put(session(TWO))
    another = SqliteSessionStore(tmp_path / "state")
    assert await another.find() == [session(TWO)]
    await another.aclose()


async def test_a_store_recovers_when_a_corrupt_database_is_restored(
    store: SqliteSessionStore, tmp_path: Path
) -> None:
    path = tmp_path / "state" / FILE
    content = path.read_bytes()
    await store._run(lambda db: db.execute("PRAGMA wal_checkpoint(TRUNCATE)"))  # noqa: SLF001
    whole = path.read_bytes()
    path.write_bytes(b"x" * len(content))
    other = SqliteSessionStore(tmp_path / "state")
    with pytest.raises(StorageError):
        await other.find()
    path.write_bytes(whole)
    assert await other.find() == [session(ONE)]
    await other.aclose()


async def test_the_spare_file_is_removed_to_open_the_database_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spare = tmp_path / SPARE
    first = SqliteSessionStore(tmp_path)
    await first.reserve(session(ONE))
    await first.put(session(ONE))
    await first.aclose()

    def full(path: Path, steps: Steps) -> sqlite3.Connection:
        if spare.exists():
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
            raise error
        return open_database(path, steps)

    monkeypatch.setattr("modegate.adapters.sqlite.database_file.open_database", full)
    second = SqliteSessionStore(tmp_path)
    assert await second.find() == [session(ONE)]
    await second.aclose()


async def test_a_closed_store_is_not_checked(tmp_path: Path) -> None:
    store = SqliteSessionStore(tmp_path / "state")
    await store.aclose()
    await store.check_storage()
    assert not (tmp_path / "state").exists()


@pytest.fixture
def workspace(tmp_path: Path) -> SessionDirectories:
    return SessionDirectories(tmp_path / "state")


def folder_of(tmp_path: Path, session_id: SessionId = ONE) -> Path:
    return tmp_path / "state" / "sessions" / session_id


@pytest.mark.parametrize("code", FAULTS)
async def test_a_session_without_disk_space_is_rejected_and_leaves_no_directory(
    code: int, workspace: SessionDirectories, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await workspace.reserve(TWO, 4096)
    with monkeypatch.context() as patched:
        patched.setattr(disk_space, "_allocate", refusing(code))
        for session_id in (ONE, TWO):
            with pytest.raises(StorageError) as refused:
                await workspace.reserve(session_id, 4096)
            assert "secret" not in refused.value.message
            assert (refused.value.retry_after is not None) == (code == errno.EMFILE)
        await workspace.check()
        assert str(workspace.state) == "error"
    assert not folder_of(tmp_path).exists()
    assert sorted(it.name for it in folder_of(tmp_path, TWO).iterdir()) == ["claude", "work"]
    await workspace.check()
    assert str(workspace.state) == "ok"
    assert not await workspace.reserve(TWO, 4096)


@pytest.mark.parametrize("code", FAULTS)
async def test_a_failed_reservation_leaves_no_partial_directory(
    code: int, workspace: SessionDirectories, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learnt = await workspace.prepare(TWO)
    (learnt.config / ".claude.json").write_text("{}")
    await workspace.keep_config_template(learnt)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", refusing(code))
        with pytest.raises(StorageError):
            await workspace.reserve(ONE, 4096)
    assert not folder_of(tmp_path).exists()
    assert ((await workspace.prepare(ONE)).config / ".claude.json").read_text() == "{}"


async def test_deleting_a_directory_that_cannot_be_removed_is_a_storage_error(
    workspace: SessionDirectories, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await workspace.prepare(ONE)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", lambda *_, **__: None)
        with pytest.raises(StorageError):
            await workspace.delete(ONE)
    assert f"folder of session {ONE} could not be removed" in caplog.text
    assert await workspace.delete(ONE)
    assert await workspace.delete(ONE)
    assert await workspace.list_ids(limit=9) == []


async def test_a_directory_is_not_deleted_if_its_lock_cannot_be_opened(
    workspace: SessionDirectories, monkeypatch: pytest.MonkeyPatch
) -> None:
    await workspace.prepare(ONE)
    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refusing(errno.EROFS))
        with pytest.raises(StorageError):
            await workspace.delete(ONE)
    assert await workspace.list_ids(limit=9) == [ONE]


async def test_deleting_a_directory_needs_no_disk_space(
    workspace: SessionDirectories, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = await workspace.prepare(ONE)
    lock = workspace.lock(folder)
    lock.acquire()
    with pytest.raises(SessionBusyError):
        SessionDirectories(tmp_path / "state").lock(folder).acquire(for_removal=True)
    lock.release()
    monkeypatch.setattr(os, "pwrite", refusing(errno.ENOSPC))
    assert await SessionDirectories(tmp_path / "state").delete(ONE)
    assert not folder_of(tmp_path).exists()


async def test_a_failed_rollback_of_a_turn_is_logged_and_can_be_retried(
    workspace: SessionDirectories, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = await workspace.prepare(ONE)
    transcript = folder.config / "projects" / "x" / "y.jsonl"
    transcript.parent.mkdir(parents=True)
    transcript.write_text("first\n")
    mark = await transcript_rollback.mark(folder)
    transcript.write_text("first\nfailed")
    with monkeypatch.context() as patched:
        patched.setattr(os, "truncate", refusing(errno.EROFS))
        await transcript_rollback.roll_back(folder, mark)
    assert "could not be removed from its conversation" in caplog.text
    await transcript_rollback.roll_back(folder, mark)
    assert transcript.read_text() == "first\n"


async def test_session_directories_that_cannot_be_listed_are_a_storage_error(
    workspace: SessionDirectories, monkeypatch: pytest.MonkeyPatch
) -> None:
    await workspace.prepare(ONE)
    monkeypatch.setattr(os, "scandir", refusing(errno.EIO))
    with pytest.raises(StorageError):
        await workspace.list_ids(limit=9)


def test_the_disk_space_check_leaves_no_file(tmp_path: Path) -> None:
    check_room(tmp_path, ROOM_BYTES)
    assert not list(tmp_path.iterdir())


def test_a_failed_disk_space_check_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_space, "_allocate", refusing(errno.ENOSPC))
    with pytest.raises(OSError, match="No space"):
        check_room(tmp_path, ROOM_BYTES)
    assert not list(tmp_path.iterdir())


USER, ANSWER, OTHER = '{"type":"user"}\n', '{"type":"assistant"}\n', '{"type":"mode"}\n'


@pytest.mark.parametrize(
    ("added", "holds"),
    [
        (USER + ANSWER, True),
        (USER + ANSWER + OTHER, True),
        (USER + ANSWER + USER + ANSWER, True),
        ("", False),
        (USER, False),
        (OTHER, False),
        (USER + ANSWER + USER, False),
        (USER + ANSWER[:9], False),
        (USER + ANSWER[:-1], False),
        (USER + ANSWER[:9] + OTHER, False),
        (USER + "[]\n" + ANSWER, True),
    ],
)
def test_has_answer_detects_a_complete_answer_after_the_offset(
    added: str, holds: bool, tmp_path: Path
) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(USER + added)
    assert has_answer(path, len(USER)) is holds


def test_has_cut_line_detects_an_incomplete_last_line(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    for text, is_cut in (("", False), (USER, False), (USER[:-1], True)):
        path.write_text(text)
        assert has_cut_line([path]) is is_cut


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_logging_to_a_full_disk_raises_nothing_and_recovers(
    capfd: pytest.CaptureFixture[str],
) -> None:
    log = logging.getLogger("a log on a full disk")
    log.propagate = False
    log.setLevel(logging.INFO)
    with open("/dev/full", "w") as full:  # noqa: PTH123
        handler = BatchingHandler(full)
        handler.setFormatter(JsonFormatter())
        log.addHandler(handler)
        for level in (logging.INFO, logging.ERROR, logging.INFO):
            log.log(level, "one")
        stream = io.StringIO()
        handler.setStream(stream)
        log.error("after")
        log.removeHandler(handler)
    assert "after" in stream.getvalue()
    assert capfd.readouterr() == ("", "")


def test_lost_log_lines_are_counted_in_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    log = logging.getLogger("a log that works again")
    log.propagate = False
    path = tmp_path / "log"
    with path.open("w") as file:
        handler = BatchingHandler(file)
        handler.setFormatter(JsonFormatter())
        log.addHandler(handler)
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", refusing(errno.ENOSPC))
            log.error("one")
            log.error("two")
        log.error("three")
        log.removeHandler(handler)
    told, three = map(json.loads, path.read_text().splitlines())
    assert (told["level"], told["logger"]) == ("warn", "modegate")
    assert told["message"] == "lost 2 log lines: the log could not be written"
    assert three["message"] == "three"
