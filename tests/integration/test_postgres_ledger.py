"""Usage in PostgreSQL: the contract of a ledger, several gateways, and servers that go away."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from itertools import count
from random import Random
from urllib.parse import quote

import psycopg
import pytest
from support.postgres import PostgresServer, postgres_server
from support.waiting import until

from modegate.adapters.memory.usage_ledger import MemoryUsageLedger
from modegate.adapters.postgres.connection import PostgresConnection
from modegate.adapters.postgres.options import PostgresOptions
from modegate.adapters.postgres.schema import USAGE
from modegate.adapters.postgres.usage_ledger import PostgresUsageLedger
from modegate.domain.errors import InvalidRequestError, StorageError
from modegate.domain.health import LedgerState
from modegate.domain.usage.query import DAY_MS, Group, RequestsQuery, UsageQuery
from modegate.domain.usage.row import UsageRow
from modegate.testing.contracts.usage_ledger import (
    FULL,
    NOON_MS,
    UsageLedgerContract,
    all_rows,
    asking,
    row_at,
)

NUMBERS = count()


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


def stored(url: str) -> int:
    """Returns the number of rows, as the table has it."""
    try:
        ((number,),) = execute(url, "SELECT count(*) FROM modegate_requests")
    except psycopg.Error:
        return 0
    assert isinstance(number, int)
    return number


@asynccontextmanager
async def opened(url: str, max_pending: int = 50_000) -> AsyncIterator[PostgresUsageLedger]:
    ledger = PostgresUsageLedger(PostgresOptions(url), max_pending)
    try:
        yield ledger
    finally:
        await ledger.aclose()


async def sums_agree(ledger: PostgresUsageLedger) -> int:
    """Checks that the sums of hours and days are those of the rows; returns the number of rows."""
    rows = await every_row(ledger)
    (days,) = await ledger.sums(asking())
    (hours,) = await ledger.sums(asking(filters={}, start=0, end=NOON_MS * 2 + 1))
    by_hour = await ledger.sums(asking(Group.HOUR))
    assert days.sums.requests == hours.sums.requests == len(rows)
    assert sum(it.sums.requests for it in by_hour) == len(rows)
    assert days.sums.cost_nano_usd == sum(it.cost_nano_usd or 0 for it in rows)
    assert sum(it.sums.cost_nano_usd for it in by_hour) == days.sums.cost_nano_usd
    return len(rows)


async def every_row(ledger: PostgresUsageLedger) -> list[UsageRow]:
    found: list[UsageRow] = []
    while page := await ledger.page(found[-1].id if found else 0, 5000):
        found += page
    return found


class TestPostgresUsageLedger(UsageLedgerContract):
    @pytest.fixture(autouse=True)
    def at(self, url: str) -> None:
        self.url = url

    @asynccontextmanager
    async def ledger(self) -> AsyncIterator[PostgresUsageLedger]:
        async with opened(self.url) as ledger:
            yield ledger


async def test_rows_are_written_by_themselves(url: str) -> None:
    async with opened(url) as ledger:
        ledger.add(FULL)
        await until(lambda: stored(url) == 1)
        await until(lambda: ledger.condition().pending == 0)


async def test_a_clean_stop_loses_nothing_and_ends_all_connections(url: str) -> None:
    async with opened(url) as ledger:
        for number in range(12_345):
            ledger.add(row_at(NOON_MS, number))
        assert len(await ledger.requests(RequestsQuery(limit=9))) == 9
    assert stored(url) == 12_345
    await until(lambda: connections(url) == 0)
    ledger.add(FULL)
    assert ledger.condition().lost == 1
    with pytest.raises(StorageError):
        await ledger.sums(asking())
    with pytest.raises(StorageError):
        await ledger.put([FULL])


def connections(url: str) -> int:
    ((number,),) = execute(
        url, "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'modegate'"
    )
    assert isinstance(number, int)
    return number


async def test_sums_at_any_edge_of_time_are_those_in_memory(url: str) -> None:
    random = Random(17)  # noqa: S311 - no secret
    start = NOON_MS - 3 * DAY_MS
    rows = [
        row_at(
            start + random.randrange(6 * DAY_MS),
            number,
            key=random.choice("ab"),
            model=random.choice(["x", "X", "é", None]),
            session=random.choice(["s", "t", None]),
            prompt_tokens=random.randrange(2**34),
            cost_nano_usd=random.choice([None, random.randrange(10**12)]),
            status=random.choice([200, 429]),
        )
        for number in range(600)
    ]
    memory = MemoryUsageLedger()
    async with opened(url) as ledger:
        for row in rows:
            ledger.add(row)
            memory.add(row)
        for _ in range(100):
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


async def test_a_row_that_the_database_refuses_takes_no_other_with_it(url: str) -> None:
    async with opened(url) as ledger:
        ledger.add(row_at(NOON_MS, 1, model="\ud800x", status=2**70))
        ledger.add(row_at(NOON_MS, 2, model="y\0", session="z\0"))
        ledger.add(FULL)
        found = {it.model: it.status for it in await all_rows(ledger)}
        assert found == {"?x": 2**53, "y?": 200, FULL.model: FULL.status}
        assert await ledger.put([row_at(NOON_MS, 2, model="y\0", session="z\0")]) == 0


async def test_names_of_any_length_are_stored(url: str) -> None:
    async with opened(url) as ledger:
        text = "".join(map(chr, Random(3).choices(range(0x4E00, 0x9FFF), k=20_000)))  # noqa: S311
        ledger.add(row_at(NOON_MS, model=text))
        (found,) = await ledger.sums(asking(Group.MODEL))
        assert found.values == (text,)


async def test_a_bug_loses_the_batch_and_not_the_ledger(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(url) as ledger:
        ledger.add(row_at(NOON_MS, 1, prompt_tokens="a bug"))
        await until(lambda: ledger.condition().lost == 1)
        ledger.add(FULL)
        assert await all_rows(ledger) == [FULL]
    assert "lost 1 rows by a bug" in caplog.text


async def test_a_batch_whose_acknowledgement_was_lost_counts_once(url: str) -> None:
    async with opened(url) as first:
        for number in range(700):
            first.add(row_at(NOON_MS, number, cost_nano_usd=1))
    async with opened(url) as again:
        for number in range(900):
            again.add(row_at(NOON_MS, number, cost_nano_usd=1))
        assert await sums_agree(again) == 900


async def test_a_query_that_takes_too_long_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(url) as ledger:
        await ledger.put([FULL])
        monkeypatch.setattr("modegate.adapters.postgres.usage_ledger.READ_TIMEOUT_S", 0.05)
        with closing(psycopg.connect(url)) as other:
            other.execute("LOCK TABLE modegate_requests IN ACCESS EXCLUSIVE MODE")
            with pytest.raises(InvalidRequestError, match="choose a later begin"):
                await ledger.sums(asking(Group.SESSION))
        monkeypatch.undo()
        assert len(await ledger.sums(asking(Group.SESSION))) == 1


def test_the_limits_of_a_statement_are_ours_whatever_the_role_allows(url: str) -> None:
    connection = PostgresConnection(PostgresOptions(f"{url}%20-cstatement_timeout%3D77777"), USAGE)
    try:
        found = connection.run(lambda it: it.execute("SHOW statement_timeout").fetchone(), 3.5)
    finally:
        connection.close()
    assert found == ("3500ms",)


@pytest.fixture
def stopped(server: PostgresServer, url: str) -> Iterator[str]:
    """The address of an empty database whose server has been stopped."""
    server.stop()
    yield url
    if not server.runs:
        server.start()


async def test_a_server_that_is_away_at_the_start_is_used_when_it_comes(
    stopped: str, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(stopped) as ledger:
        await ledger.prepare()
        await until(lambda: ledger.condition().state is LedgerState.WARN)
        ledger.add(FULL)
        with pytest.raises(StorageError, match="temporarily unavailable"):
            await ledger.sums(asking())
        await asyncio.to_thread(server.start)
        await until(lambda: ledger.condition().state is LedgerState.OK)
        assert await all_rows(ledger) == [FULL]
    told = [it.getMessage().partition(":")[0] for it in caplog.records if "ledger" in it.message]
    assert told == ["usage ledger failed, will retry", "usage ledger recovered"]


async def test_a_ledger_without_requests_recovers_too(stopped: str, server: PostgresServer) -> None:
    async with opened(stopped) as ledger:
        await ledger.prepare()
        await until(lambda: ledger.condition().state is LedgerState.WARN)
        await asyncio.to_thread(server.start)
        await until(lambda: ledger.condition().state is LedgerState.OK)


async def test_a_full_queue_loses_rows_and_counts_them(
    stopped: str, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(stopped, max_pending=100) as ledger:
        for number in range(150):
            ledger.add(row_at(NOON_MS, number))
        assert ledger.condition().lost == 50
        await until(lambda: "loses rows" in caplog.text)
        await asyncio.to_thread(server.start)
        await until(lambda: ledger.condition().state is LedgerState.OK)
        assert await sums_agree(ledger) == 100


async def test_a_server_killed_in_mid_write_loses_no_row_and_counts_none_twice(
    url: str, server: PostgresServer
) -> None:
    async with opened(url) as ledger:
        rows = [row_at(NOON_MS, number, cost_nano_usd=number) for number in range(12_000)]
        for row in rows:
            ledger.add(row)
        await until(lambda: stored(url))
        await asyncio.to_thread(server.kill)
        for number in range(12_000, 12_500):
            ledger.add(row_at(NOON_MS, number, cost_nano_usd=number))
        await asyncio.to_thread(server.start)
        await until(lambda: ledger.condition().pending == 0)
        assert ledger.condition().lost == 0
        assert await sums_agree(ledger) == 12_500


async def test_a_stop_while_the_server_is_away_takes_seconds_and_is_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modegate.write_behind.writer.LAST_TRIES_S", 0.1)
    async with opened("postgresql://nobody@127.0.0.1:1/none") as ledger:
        ledger.add(FULL)
    assert ledger.condition().lost == 1
    assert "usage ledger lost 1 rows at the end" in caplog.text


async def test_a_server_that_hangs_is_cut_off(
    url: str, server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modegate.adapters.postgres.connection.GRACE_S", 0.1)
    monkeypatch.setattr("modegate.adapters.postgres.usage_ledger.READ_TIMEOUT_S", 0.2)
    async with opened(url) as ledger:
        await ledger.put([FULL])
        assert await all_rows(ledger) == [FULL]
        server.pause()
        try:
            with pytest.raises(StorageError):
                await ledger.page(0, 9)
        finally:
            server.resume()
        monkeypatch.undo()
        assert await all_rows(ledger) == [FULL]


LATER = """
CREATE TABLE modegate_schema (part TEXT PRIMARY KEY, version INTEGER NOT NULL);
INSERT INTO modegate_schema VALUES ('usage', 99)
"""


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            LATER,
            "shared database has schema 99, and this version of modegate knows schemas up to 1",
        ),
        ("ALTER DATABASE postgres SET default_transaction_read_only = on", "read-only"),
    ],
    ids=["a later schema", "a read-only database"],
)
async def test_an_unusable_database_is_a_storage_error_and_a_warning(
    url: str,
    server: PostgresServer,
    spoil: str,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("modegate.write_behind.writer.LAST_TRIES_S", 0.1)
    execute(url, spoil)
    try:
        async with opened(url) as ledger:
            await ledger.prepare()
            await until(lambda: ledger.condition().state is LedgerState.WARN)
            ledger.add(FULL._replace(model="marked-model", session="marked-session"))
            with pytest.raises(StorageError):
                await ledger.sums(asking())
            with pytest.raises(StorageError):
                await ledger.put([FULL])
    finally:
        writable = f"{server.url}?options=-cdefault_transaction_read_only%3Doff"
        execute(writable, "ALTER DATABASE postgres RESET default_transaction_read_only")
    assert "usage ledger failed" in caplog.text
    assert reason in caplog.text
    assert "marked" not in caplog.text


async def test_a_missing_database_and_a_wrong_password_are_logged_without_the_password(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("modegate.write_behind.writer.LAST_TRIES_S", 0.1)
    url = server.url.replace("modegate@", "modegate:hidden-secret@").replace(
        "/postgres", "/missing"
    )
    async with opened(url) as ledger:
        await ledger.prepare()
        await until(lambda: 'database "missing" does not exist' in caplog.text)
    assert "hidden-secret" not in caplog.text
    assert "hidden-secret" not in repr(PostgresOptions(url))


ADD = """
import asyncio, sys
from modegate.adapters.postgres.options import PostgresOptions
from modegate.adapters.postgres.usage_ledger import PostgresUsageLedger
from modegate.testing.contracts.usage_ledger import NOON_MS, row_at

async def add():
    url, key, end = sys.argv[1:]
    ledger = PostgresUsageLedger(PostgresOptions(url))
    await ledger.prepare()
    print("ready", flush=True)
    sys.stdin.readline()  # all begin at once
    # Half of the rows are other processes' rows too, and the ids of all processes are the same.
    rows = [row_at(NOON_MS, it, key="all" if it % 2 else key, cost_nano_usd=1) for it in range(600)]
    for at in range(0, 600, 100):
        for row in rows[at : at + 100] * 2:
            ledger.add(row)
        await ledger.page(0, 1)
    if end == "kill":
        print("written", flush=True)
        await asyncio.sleep(600)
    await ledger.aclose()

asyncio.run(add())
"""


async def adding(url: str, key: str, end: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ADD, url, key, end),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )


async def test_four_gateways_that_migrate_and_write_at_once_have_exact_sums(url: str) -> None:
    others = [await adding(url, key, "close") for key in "abcd"]
    for other in others:
        assert other.stdin is not None
        assert other.stdout is not None
        assert await other.stdout.readline() == b"ready\n"
    for other in others:
        assert other.stdin is not None
        other.stdin.write(b"go\n")
    assert [(await other.communicate())[0] for other in others] == [b""] * 4
    async with opened(url) as ledger:
        # 300 rows of each gateway alone, and 300 that all of them have sent.
        assert await sums_agree(ledger) == 4 * 300 + 300
        found = {it.values: it.sums.requests for it in await ledger.sums(asking(Group.KEY))}
        assert found == {("all",): 300, **{(key,): 300 for key in "abcd"}}


async def test_a_kill_loses_at_most_the_rows_that_gathered(url: str) -> None:
    other = await adding(url, "a", "kill")
    assert other.stdin is not None
    assert other.stdout is not None
    assert await other.stdout.readline() == b"ready\n"
    other.stdin.write(b"go\n")
    assert await other.stdout.readline() == b"written\n"
    other.kill()
    await other.communicate()
    async with opened(url) as ledger:
        assert await sums_agree(ledger) == 600


async def test_a_new_gateway_reads_what_the_others_spent(url: str) -> None:
    async with opened(url) as first, opened(url) as second:
        first.add(row_at(NOON_MS, 1, key="a", cost_nano_usd=5))
        assert len(await all_rows(first)) == 1
        second.add(row_at(NOON_MS, 2, key="a", cost_nano_usd=7))
        (found,) = await second.sums(asking(filters={Group.KEY: "a"}))
        assert found.sums.cost_nano_usd == 12
