"""Session databases of other versions: migrated, rejected or unchanged."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from modegate.adapters.sqlite import migrations, session_store
from modegate.adapters.sqlite.session_store import FILE, SqliteSessionStore
from modegate.domain.errors import StorageError
from modegate.domain.health import StorageState
from modegate.testing.contracts.session_holds import ONE, TWO, session

# The schema of version 1: a copy, because the program's own schema may change.
SESSIONS_OF_VERSION_1 = """
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY,
    client TEXT NOT NULL,
    created_at REAL NOT NULL,
    used_at REAL NOT NULL,
    cli_session_id TEXT NOT NULL,
    system_prompt TEXT NOT NULL
) WITHOUT ROWID;
"""
PROOF_OF_VERSION_1 = """
CREATE TABLE IF NOT EXISTS proof (id INTEGER PRIMARY KEY, room BLOB NOT NULL);
"""
ROW = """
INSERT INTO sessions VALUES (
    '3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11', 'me', 10.25, 20.5,
    'cli-3f8b0c1e-6f6c-4b59-9a52-0d4e2c9f1b11', 'Be brief. ü'
);
"""
TIMES_OF_VERSION_2 = "CREATE INDEX session_times ON sessions (id, used_at, created_at);"
VERSION_1 = "PRAGMA user_version = 1;"
VERSION_2 = "PRAGMA user_version = 2;"
OLDER_FILES = {
    "version 1": SESSIONS_OF_VERSION_1 + PROOF_OF_VERSION_1 + ROW + VERSION_1,
    "an early version 1, which had no proof": SESSIONS_OF_VERSION_1 + ROW + VERSION_1,
    "killed before the version was written": SESSIONS_OF_VERSION_1 + ROW,
    "version 2": SESSIONS_OF_VERSION_1 + PROOF_OF_VERSION_1 + TIMES_OF_VERSION_2 + ROW + VERSION_2,
}
# The number of its turns is not known: there was at least one, and no transcript is stored.
MIGRATED = replace(session(ONE), turns=1, transcript="").with_unstored("", "")


def make_file(folder: Path, script: str) -> Path:
    path = folder / FILE
    with closing(sqlite3.connect(path)) as database:
        database.executescript("PRAGMA journal_mode = WAL;" + script)
    return path


def read(path: Path, statement: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(statement).fetchall()


def schema_of(path: Path) -> set[tuple[object, ...]]:
    return set(read(path, "SELECT type, name FROM sqlite_schema"))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[SqliteSessionStore]:
    store = SqliteSessionStore(folder)
    try:
        yield store
    finally:
        await store.aclose()


@pytest.mark.parametrize("script", OLDER_FILES.values(), ids=OLDER_FILES)
async def test_an_older_database_is_migrated_with_its_sessions(script: str, tmp_path: Path) -> None:
    path = make_file(tmp_path, script)
    async with opened(tmp_path) as store:
        assert await store.find() == [MIGRATED]
        await store.reserve(session(TWO))
        await store.put(session(TWO))
        assert await store.get(TWO) == session(TWO)
    new = tmp_path / "new"
    async with opened(new) as store:
        assert await store.find() == []
    assert schema_of(path) == schema_of(new / FILE)
    assert read(path, "PRAGMA user_version") == read(new / FILE, "PRAGMA user_version") == [(5,)]


async def test_a_current_database_is_not_migrated_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as store:
        await store.put(session(ONE))
    monkeypatch.setattr(session_store, "SESSIONS", (("not SQL",),) * len(migrations.SESSIONS))
    async with opened(tmp_path) as store:
        assert await store.get(ONE) == session(ONE)


async def test_a_failed_migration_leaves_the_database_unchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_file(tmp_path, OLDER_FILES["version 1"])
    before = schema_of(path)
    with monkeypatch.context() as patched:
        patched.setattr(session_store, "SESSIONS", (*migrations.SESSIONS, ("not SQL",)))
        async with opened(tmp_path) as store:
            with pytest.raises(StorageError):
                await store.get(ONE)
    assert schema_of(path) == before
    assert read(path, "PRAGMA user_version") == [(1,)]
    async with opened(tmp_path) as store:
        assert await store.get(ONE) == MIGRATED


OPEN = """
import sys
from pathlib import Path
from modegate.adapters.sqlite.database import open_database
from modegate.adapters.sqlite.migrations import SESSIONS
print("ready", flush=True)
sys.stdin.readline()
print(open_database(Path(sys.argv[1]), SESSIONS).execute("SELECT count(*) FROM sessions").fetchone()[0])
"""


@pytest.mark.parametrize(("script", "sessions"), [("", 0), (OLDER_FILES["version 1"], 1)])
async def test_several_processes_can_migrate_a_database_concurrently(
    script: str, sessions: int, tmp_path: Path
) -> None:
    path = make_file(tmp_path, script)
    others = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", OPEN, str(path)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for _ in range(4)
    ]
    for other in others:
        assert other.stdout is not None
        assert await other.stdout.readline() == b"ready\n"
    outputs = await asyncio.gather(*(other.communicate(b"go\n") for other in others))
    assert [output for output, _ in outputs] == [b"%d\n" % sessions] * 4
    assert read(path, "PRAGMA user_version") == [(5,)]


async def test_a_database_migrated_further_by_another_process_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_file(tmp_path, OLDER_FILES["version 1"])
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        versions = iter([1, 6])
        read_version = migrations.read_version

        def overtaken(database: sqlite3.Connection, steps: migrations.Steps) -> int:
            database.execute(f"PRAGMA user_version = {next(versions)}")
            return read_version(database, steps)

        monkeypatch.setattr(migrations, "read_version", overtaken)
        with pytest.raises(StorageError, match="format 6"):
            migrations.migrate(database, migrations.SESSIONS)
        assert not database.in_transaction


async def test_a_database_of_a_later_version_is_a_storage_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = make_file(tmp_path, "PRAGMA user_version = 99;")
    async with opened(tmp_path) as store:
        with pytest.raises(StorageError, match="later version of modegate") as refused:
            await store.get(ONE)
        assert "format 99" in refused.value.message
        assert store.storage_state() is StorageState.ERROR
        await store.check_storage()
        assert store.storage_state() is StorageState.ERROR
    assert caplog.text.count("format 99") == 1
    assert schema_of(path) == set()
