"""Usage on disk: the contract of a ledger, and file-specific behaviour."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from random import Random

import pytest
from support.disk import Disk, mounted
from support.waiting import until

from modegate.adapters.memory.usage_ledger import MemoryUsageLedger
from modegate.adapters.sqlite.usage_ledger import FILE, SqliteUsageLedger
from modegate.domain.errors import InvalidRequestError, StorageError
from modegate.domain.health import LedgerState
from modegate.domain.usage.query import DAY_MS, Group, RequestsQuery, UsageQuery
from modegate.testing.contracts.usage_ledger import (
    FULL,
    NOON_MS,
    UsageLedgerContract,
    all_rows,
    asking,
    row_at,
)


class TestSqliteUsageLedger(UsageLedgerContract):
    @pytest.fixture(autouse=True)
    def in_folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path / "state"

    @asynccontextmanager
    async def ledger(self) -> AsyncIterator[SqliteUsageLedger]:
        async with opened(self.folder) as ledger:
            yield ledger


@asynccontextmanager
async def opened(folder: Path, max_pending: int = 50_000) -> AsyncIterator[SqliteUsageLedger]:
    ledger = SqliteUsageLedger(folder, max_pending)
    try:
        yield ledger
    finally:
        await ledger.aclose()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    with mounted(tmp_path / "disk") as made:
        yield made


def files_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def stored(folder: Path) -> int:
    """Returns the number of rows in the file."""
    try:
        with closing(sqlite3.connect(f"file:{folder / FILE}?mode=ro", uri=True)) as database:
            ((number,),) = database.execute("SELECT count(*) FROM requests").fetchall()
    except sqlite3.OperationalError:
        return 0
    return int(number)


async def test_rows_are_written_by_themselves(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        ledger.add(FULL)
        await until(lambda: stored(tmp_path) == 1)
        await until(lambda: ledger.condition().pending == 0)


async def test_a_clean_stop_loses_nothing_in_files_private_to_the_user(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    async with opened(folder) as ledger:
        for number in range(12_345):
            ledger.add(row_at(NOON_MS, number))
    assert stored(folder) == 12_345
    for path in (folder, *folder.iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path
    ledger.add(FULL)
    assert ledger.condition().lost == 1
    with pytest.raises(StorageError):
        await ledger.sums(asking())
    with pytest.raises(StorageError):
        await ledger.put([FULL])


async def test_a_ledger_that_is_not_used_makes_no_file(tmp_path: Path) -> None:
    async with opened(tmp_path):
        pass
    assert files_in(tmp_path) == []


async def test_sums_at_any_edge_of_time_are_those_in_memory(tmp_path: Path) -> None:
    random = Random(17)  # noqa: S311 - no secret
    start = NOON_MS - 3 * DAY_MS
    rows = [
        row_at(
            start + random.randrange(6 * DAY_MS),
            number,
            key=random.choice("ab"),
            model=random.choice(["x", None]),
            session=random.choice(["s", "t"]),
            prompt_tokens=random.randrange(2**34),
            cost_nano_usd=random.choice([None, random.randrange(10**12)]),
            status=random.choice([200, 429]),
        )
        for number in range(600)
    ]
    memory = MemoryUsageLedger()
    async with opened(tmp_path) as ledger:
        for row in rows:
            ledger.add(row)
            memory.add(row)
        for _ in range(150):
            first, last = sorted(start + random.randrange(-DAY_MS, 7 * DAY_MS) for _ in range(2))
            query = UsageQuery(
                start_ms=first,
                end_ms=last + 1,
                groups=tuple(random.sample(list(Group), random.randrange(4))),
                filters=random.choice(
                    [{}, {Group.KEY: "a"}, {Group.SESSION: "t", Group.MODEL: "x"}]
                ),
            )
            assert list(await ledger.sums(query)) == list(await memory.sums(query)), query


async def test_a_full_disk_loses_no_row_that_the_queue_holds(
    disk: Disk, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(disk.folder, max_pending=500) as ledger:
        ledger.add(row_at(NOON_MS))
        await until(lambda: stored(disk.folder) == 1)
        disk.fill()
        for number in range(1, 300):
            ledger.add(row_at(NOON_MS, number, request_id="x" * 500))
        await until(lambda: ledger.condition().state is LedgerState.WARN)
        for number in range(300, 2000):
            ledger.add(row_at(NOON_MS, number, request_id="x" * 500))
        assert ledger.condition().lost >= 1000
        (found,) = await ledger.sums(asking())
        assert found.sums.requests == 1
        await until(lambda: "loses rows" in caplog.text)
        disk.free()
        await until(lambda: ledger.condition().state is LedgerState.OK)
        (found,) = await ledger.sums(asking())
        assert found.sums.requests + ledger.condition().lost == 2000
        assert found.sums.requests == stored(disk.folder)
    told = [it.getMessage().partition(":")[0] for it in caplog.records if "usage" in it.message]
    assert sorted(told) == [
        "usage ledger failed, will retry",
        "usage ledger loses rows",
        "usage ledger recovered",
    ]


async def test_a_stop_on_a_full_disk_takes_seconds_and_is_logged(
    disk: Disk, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modegate.write_behind.writer.LAST_TRIES_S", 0.1)
    async with opened(disk.folder) as ledger:
        disk.fill()
        ledger.add(FULL)
    assert ledger.condition().lost == 1
    assert "usage ledger lost 1 rows at the end" in caplog.text


async def test_a_locked_file_delays_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as ledger:
        await ledger.put([FULL])
        monkeypatch.setattr("modegate.adapters.sqlite.usage_ledger.FLUSH_S", 0.05)
        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            ledger.add(row_at(NOON_MS))
            assert len(await ledger.requests(RequestsQuery(limit=9))) == 1
            other.execute("ROLLBACK")
        await until(lambda: stored(tmp_path) == 2)


async def test_a_row_that_sqlite_refuses_takes_no_other_with_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        ledger.add(row_at(NOON_MS, 1, model="\ud800x", status=2**70))
        ledger.add(FULL)
        found = {it.model: it.status for it in await all_rows(ledger)}
        assert found == {"?x": 2**53, FULL.model: FULL.status}


async def test_a_bug_loses_the_batch_and_not_the_ledger(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(tmp_path) as ledger:
        ledger.add(row_at(NOON_MS, 1, prompt_tokens="a bug"))
        await until(lambda: ledger.condition().lost == 1)
        ledger.add(FULL)
        assert await all_rows(ledger) == [FULL]
    assert "lost 1 rows by a bug" in caplog.text


async def test_a_removed_file_is_made_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await ledger.put([FULL])
        for path in files_in(tmp_path):
            path.unlink()
        ledger.add(FULL)
        assert await all_rows(ledger) == [FULL]


def later_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize(
    "spoil",
    [lambda path: path.write_bytes(b"not a database" * 100), Path.mkdir, later_version],
    ids=["broken", "a folder", "a later version"],
)
async def test_an_unusable_file_is_a_storage_error_and_a_warning(
    tmp_path: Path,
    spoil: Callable[[Path], object],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("modegate.write_behind.writer.LAST_TRIES_S", 0.1)
    spoil(tmp_path / FILE)
    async with opened(tmp_path) as ledger:
        ledger.add(FULL._replace(model="marked-model", session="marked-session"))
        with pytest.raises(StorageError):
            await ledger.sums(asking())
        with pytest.raises(StorageError):
            await ledger.put([FULL])
        assert ledger.condition().state is LedgerState.WARN
    assert "usage ledger failed" in caplog.text
    assert "marked" not in caplog.text


async def test_a_query_that_takes_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modegate.adapters.sqlite.usage_ledger.READ_TIMEOUT_S", -1.0)
    monkeypatch.setattr("modegate.adapters.sqlite.usage_ledger.STEPS_BETWEEN_LOOKS", 100)
    async with opened(tmp_path) as ledger:
        await ledger.put([row_at(NOON_MS, it) for it in range(1000)])
        with pytest.raises(InvalidRequestError, match="choose a later begin"):
            await ledger.sums(asking(Group.SESSION))
        monkeypatch.setattr("modegate.adapters.sqlite.usage_ledger.READ_TIMEOUT_S", 10.0)
        assert len(await ledger.sums(asking(Group.SESSION))) == 1


ADD = """
import asyncio, os, sys
from pathlib import Path
from modegate.adapters.sqlite.usage_ledger import SqliteUsageLedger
from modegate.testing.contracts.usage_ledger import NOON_MS, row_at

async def add():
    ledger = SqliteUsageLedger(Path(sys.argv[1]))
    for number in range(500):  # the ids of all processes are the same
        ledger.add(row_at(NOON_MS, number, key=sys.argv[2], cost_nano_usd=1))
    if sys.argv[3] == "kill":
        print("added", flush=True)
        await asyncio.sleep(60)
    await ledger.aclose()

asyncio.run(add())
"""


async def test_processes_with_the_same_ids_lose_no_row(tmp_path: Path) -> None:
    others = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", ADD, str(tmp_path), key, "close")
        for key in "ab"
    ]
    assert [await other.wait() for other in others] == [0, 0]
    async with opened(tmp_path) as ledger:
        found = {it.values: it.sums for it in await ledger.sums(asking(Group.KEY))}
        assert {it.requests for it in found.values()} == {500}
        assert {it.cost_nano_usd for it in found.values()} == {500}
        assert len(found) == 2
        ids = [it.id for it in await ledger.page(0, 9000)]
        assert len(ids) == len(set(ids)) == 1000


async def test_a_kill_loses_at_most_the_rows_that_gathered(tmp_path: Path) -> None:
    other = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ADD, str(tmp_path), "a", "kill"), stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout is not None
    assert await other.stdout.readline() == b"added\n"
    await until(lambda: stored(tmp_path) == 500)
    other.kill()
    await other.wait()
    async with opened(tmp_path) as ledger:
        (found,) = await ledger.sums(asking())
        assert found.sums.requests == len(list(await ledger.page(0, 9000))) == 500
