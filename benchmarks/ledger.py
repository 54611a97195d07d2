"""Measures the usage ledger: `python -m benchmarks.ledger [--rows N] [--seconds S] [--folder F]`.

With `--postgres ADDRESS`, the ledger is in that database, whose ledger is dropped before and after.

First the CPU time of a row, with the share of the ledger's thread; then rows at a steady rate; then
queries over N rows of 400 days, which are written before.
"""

import argparse
import asyncio
import random
import resource
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from benchmarks.ledger_postgres import PostgresSide
from modegate.adapters.sqlite.database import open_database
from modegate.adapters.sqlite.migrations import USAGE
from modegate.adapters.sqlite.usage.insertion import Insertion
from modegate.adapters.sqlite.usage_ledger import FILE, SqliteUsageLedger
from modegate.adapters.system.clock import SystemClock
from modegate.application.ports.usage_ledger import UsageLedger
from modegate.application.usage.record import RecordUsage
from modegate.domain.answer.usage import Usage
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.mode import Mode
from modegate.domain.usage.query import DAY_MS, HOUR_MS, Group, RequestsQuery, UsageQuery
from modegate.domain.usage.row import UsageRow, row_id

Ask = Callable[[], Awaitable[object]]


class Ledger(UsageLedger, Protocol):
    """A ledger that can be closed."""

    async def aclose(self) -> None:
        """Writes the waiting rows."""


class Side(Protocol):
    """Where the ledgers of the parts of this benchmark are."""

    def open(self, part: str) -> Ledger:
        """Returns the ledger of a part."""

    def write(self, rows: Sequence[UsageRow]) -> None:
        """Writes rows to the part "filled"."""

    def count(self, part: str) -> int:
        """Returns the number of rows of a part."""

    def size(self) -> int:
        """Returns the bytes of the part "filled"."""

    def close(self) -> None:
        """Deletes all ledgers."""


class SqliteSide:
    """A folder for each part."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._insertion = Insertion()
        for name in ("cpu", "steady", "filled"):
            (folder / name).mkdir()

    def open(self, part: str) -> Ledger:
        """Returns the ledger of a part."""
        return SqliteUsageLedger(self._folder / part)

    def write(self, rows: Sequence[UsageRow]) -> None:
        """Writes rows to the part that is filled."""
        with closing(open_database(self._folder / "filled" / FILE, USAGE)) as database:
            self._insertion.insert(database, rows)

    def count(self, part: str) -> int:
        """Returns the number of rows of a part."""
        with closing(open_database(self._folder / part / FILE, USAGE)) as database:
            (stored,) = database.execute("SELECT count(*) FROM requests").fetchone()
        return int(stored)

    def size(self) -> int:
        """Returns the bytes of the part that is filled."""
        return (self._folder / "filled" / FILE).stat().st_size

    def close(self) -> None:
        """No-op: the folder is temporary."""


DAYS = 400
KEYS, MODELS = 20, 5
BATCH = 5_000
RATE = 10_000
TICK_S = 0.01
MIB = 1024


def record_of(number: int) -> RequestRecord:
    """Returns the record of a relayed request."""
    return RequestRecord(
        method="POST",
        route="/v1/chat/completions",
        request_id=f"{random.getrandbits(128):032x}",
        key_id=f"env-{number % KEYS}",
        upstream="openai",
        credential="env",
        mode=Mode.PASSTHROUGH,
        model=f"gpt-{number % MODELS}",
        used_model=f"gpt-{number % MODELS}-2026-01-01",
        reached_backend=True,
        usage=Usage(25 + number % 100, 60, 12),
        cost_usd=0.00012,
        price_version="2026-11-01",
        status=200,
        seconds=0.5,
    )


async def cpu_us(side: Side, number: int) -> tuple[float, float]:
    """Returns the CPU time of a row in µs: in all, and in the event loop alone."""
    ledger = side.open("cpu")
    observe = RecordUsage(ledger, SystemClock()).observe
    records = [record_of(it) for it in range(number)]
    began, own = time.process_time(), 0.0
    for at in range(0, number, BATCH):
        own_began = time.thread_time()
        for record in records[at : at + BATCH]:
            observe(record)
        own += time.thread_time() - own_began
        await asyncio.sleep(0.5)
    await ledger.aclose()
    return (time.process_time() - began) / number * 1e6, own / number * 1e6


async def steady(side: Side, seconds: float) -> None:
    """Adds rows at a steady rate and prints what became of them."""
    ledger = side.open("steady")
    observe = RecordUsage(ledger, SystemClock()).observe
    began, added, most = time.monotonic(), 0, 0
    first = 0
    while (passed := time.monotonic() - began) < seconds:
        while added < passed * RATE:
            observe(record_of(added))
            added += 1
        most = max(most, ledger.condition().pending)
        if passed > seconds / 6 and not first:
            first = resident_kib()
        await asyncio.sleep(TICK_S)
    last = resident_kib()
    await ledger.aclose()
    stored = side.count("steady")
    print(f"| rows added in {seconds:.0f} s | {added:,} |")
    print(f"| rows stored after a clean stop | {stored:,} |")
    print(f"| rows lost | {ledger.condition().lost:,} |")
    print(f"| most rows waiting | {most:,} |")
    print(f"| memory after a sixth of the time, at the end | {first // MIB}, {last // MIB} MiB |")


def resident_kib() -> int:
    """Returns the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def fill(side: Side, number: int, end_s: float) -> None:
    """Writes rows over the last `DAYS` days."""
    start, step = end_s - DAYS * DAY_MS / 1000, DAYS * DAY_MS / 1000 / number
    began = time.perf_counter()
    for at in range(0, number, BATCH):
        side.write([row(it, start + it * step) for it in range(at, min(at + BATCH, number))])
    passed = time.perf_counter() - began
    size = side.size()
    print(f"\n{number:,} rows in {passed:.0f} s, {size / number:.0f} bytes a row\n")


def row(number: int, at_s: float) -> UsageRow:
    """Returns a row of one of `KEYS` keys and `MODELS` models."""
    return UsageRow(
        row_id(at_s, number),
        f"env-{number % KEYS}",
        f"gpt-{number // KEYS % MODELS}",
        f"gpt-{number // KEYS % MODELS}-2026-01-01",
        "openai",
        "env",
        "openai-passthrough",
        "/v1/chat/completions",
        f"{number:032x}",
        prompt_tokens=25,
        completion_tokens=60,
        cost_nano_usd=120_000,
        price_version="2026-11-01",
    )


async def queries(side: Side, end_s: float, rounds: int) -> None:
    """Prints the median time of each query."""
    ledger = side.open("filled")
    end = int(end_s * 1000)
    hour = end // HOUR_MS * HOUR_MS

    def sums(days: int, *groups: Group, shift: int = 0) -> Ask:
        query = UsageQuery(start_ms=end - days * DAY_MS + shift, end_ms=end, groups=groups)
        return lambda: ledger.sums(query)

    def requests(query: RequestsQuery) -> Ask:
        return lambda: ledger.requests(query)

    asked = {
        "by day, all": sums(DAYS, Group.DAY),
        "by key, a month": sums(30, Group.KEY),
        "by key and day, a month from the middle of an hour": sums(
            30, Group.KEY, Group.DAY, shift=hour - end + HOUR_MS // 2
        ),
        "by hour, a month": sums(30, Group.HOUR),
        "by session, a day": sums(1, Group.SESSION),
        "the last 100 requests": requests(RequestsQuery(limit=100)),
        "the last 100 of a key": requests(RequestsQuery(limit=100, key="env-7")),
    }
    print("| query | ms |\n|---|---|")
    for name, ask in asked.items():
        found = []
        for _ in range(rounds):
            began = time.perf_counter()
            await ask()
            found.append((time.perf_counter() - began) * 1000)
        print(f"| {name} | {statistics.median(found):.1f} |")
    await ledger.aclose()


async def run(options: argparse.Namespace, side: Side) -> None:
    """Prints all tables."""
    whole, own = await cpu_us(side, 50_000)
    print("| ledger | |\n|---|---|")
    print(f"| CPU of a row, µs | {whole:.1f} |")
    print(f"| of which the event loop, µs | {own:.1f} |")
    await steady(side, options.seconds)
    end_s = datetime(2026, 11, 25, 12, 34, 56, tzinfo=UTC).timestamp()
    fill(side, options.rows, end_s)
    await queries(side, end_s, options.rounds)
    side.close()


def main() -> None:
    """Measures in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--postgres", help="the address of a database without a ledger of worth")
    parser.add_argument("--folder", help="where the databases are written, and deleted at the end")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        side = PostgresSide(options.postgres) if options.postgres else SqliteSide(Path(folder))
        asyncio.run(run(options, side))


if __name__ == "__main__":
    main()
