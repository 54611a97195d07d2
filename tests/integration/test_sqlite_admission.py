"""The limits of admission of several processes: contracts, leases, faults, and the shared files."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from support.waiting import until_awaited

from modegate.adapters.sqlite import admission_limiter
from modegate.adapters.sqlite.admission_limiter import FILE, SqliteAdmissionLimiter
from modegate.adapters.sqlite.shared_files import shared_files
from modegate.domain.errors import RateLimitError, StorageError
from modegate.domain.quota import KeyLimits, Limit
from modegate.testing.contracts.admission_limiter import AdmissionLimiterContract
from modegate.testing.contracts.rate_limiter import RateLimiterContract

# Windows that no request leaves while a slow machine runs a test.
RATE, WIDE = Limit("contract", 30, 3600.0), Limit("address", 9_000, 3600.0)
PERMITS, ONE = KeyLimits("a", 3), KeyLimits("a", 1)


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[SqliteAdmissionLimiter]:
    limiter = SqliteAdmissionLimiter(folder)
    try:
        yield limiter
    finally:
        await limiter.aclose()


def remove_files(folder: Path) -> None:
    for path in folder.glob(f"{FILE}*"):
        path.unlink()


class InFolder:
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self._tmp_path = tmp_path

    @asynccontextmanager
    async def limiter(self) -> AsyncIterator[SqliteAdmissionLimiter]:
        async with opened(self._tmp_path) as limiter:
            yield limiter


class TestSqliteAdmissionLimiter(InFolder, AdmissionLimiterContract):
    pass


class TestSqliteRateLimiter(InFolder, RateLimiterContract):
    pass


async def test_processes_share_all_limits(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        outcomes = await asyncio.gather(
            *(it.record(RATE, "a") for _ in range(100) for it in (one, other)),
            return_exceptions=True,
        )
        assert sum(isinstance(it, RateLimitError) for it in outcomes) == 200 - RATE.requests
        for it in (one, other, one):
            await it.acquire(WIDE, "x", PERMITS)
        with pytest.raises(RateLimitError):
            await other.acquire(WIDE, "x", PERMITS)
        assert (one.taken, other.taken) == (2, 1)
        one.release("a")
        await one.peek(WIDE, "x")  # behind the release
        await other.acquire(WIDE, "x", PERMITS)


async def test_a_high_limit_is_counted_in_parts_of_its_window(tmp_path: Path) -> None:
    limit = Limit("high", 20_000, 3600.0)
    async with opened(tmp_path) as limiter:
        quotas = await asyncio.gather(*(limiter.record(limit, "a") for _ in range(1_000)))
        assert [it.remaining for it in quotas] == list(range(19_999, 18_999, -1))
    with closing(sqlite3.connect(tmp_path / FILE)) as database:
        (rows,) = database.execute("SELECT count(*) FROM requests").fetchone()
    assert rows < 100


async def test_the_window_slides(tmp_path: Path) -> None:
    limit = Limit("short", 2, 0.2)
    async with opened(tmp_path) as limiter:
        await limiter.record(limit, "a")

        async def is_empty() -> bool:
            return (await limiter.peek(limit, "a")).remaining == 2

        await until_awaited(is_empty)


async def test_permits_of_a_dead_process_are_free_within_its_lease(tmp_path: Path) -> None:
    async with opened(tmp_path) as dead, opened(tmp_path) as limiter:
        await dead.acquire(WIDE, "x", ONE)
        with pytest.raises(RateLimitError):
            await limiter.acquire(WIDE, "x", ONE)
        with closing(sqlite3.connect(tmp_path / FILE)) as database, database:
            database.execute("UPDATE owners SET until = until - 60")
        await limiter.acquire(WIDE, "x", ONE)


async def test_what_the_file_lost_is_set_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission_limiter, "RENEWAL_S", 0.02)
    async with opened(tmp_path) as one, opened(tmp_path) as other:
        await one.acquire(WIDE, "x", ONE)
        remove_files(tmp_path)

        async def is_known() -> bool:
            try:
                await other.acquire(WIDE, "x", ONE)
            except RateLimitError:
                return True
            other.release("a")
            return False

        await until_awaited(is_known)
        assert one.taken == 1


async def test_releases_count_while_the_file_cannot_be_used(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    async with opened(folder) as limiter:
        await limiter.acquire(WIDE, "x", ONE)
        remove_files(folder)
        folder.rmdir()
        folder.write_text("no folder")
        limiter.release("a")
        with pytest.raises(StorageError):
            await limiter.acquire(WIDE, "x", ONE)
        assert limiter.taken == 0
        folder.unlink()
        await limiter.acquire(WIDE, "x", ONE)
        assert limiter.taken == 1


async def test_files_are_new_for_the_first_gateway_of_a_folder_only(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("what a killed gateway left")
    with shared_files(tmp_path):
        assert not (tmp_path / FILE).exists()
        async with opened(tmp_path) as limiter:
            await limiter.record(RATE, "a")
            with shared_files(tmp_path):
                assert (await limiter.peek(RATE, "a")).remaining == RATE.requests - 1
            assert (await limiter.record(RATE, "a")).remaining == RATE.requests - 2
    with shared_files(tmp_path):
        assert not (tmp_path / FILE).exists()


def test_an_unusable_folder_is_left_to_the_requests(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="of the caller"), shared_files(tmp_path / "file"):
        raise OSError("of the caller")
