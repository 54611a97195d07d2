"""Measures the usage ledger: `python -m benchmarks.ledger [--rows N] [--seconds S] [--folder F]`.

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
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from modegate.adapters.sqlite.database import open_database
from modegate.adapters.sqlite.migrations import USAGE
from modegate.adapters.sqlite.usage.insertion import Insertion
from modegate.adapters.sqlite.usage_ledger import FILE, SqliteUsageLedger
from modegate.adapters.system.clock import SystemClock
from modegate.application.usage.record import RecordUsage
from modegate.domain.answer.usage import Usage
from modegate.domain.request_record import RequestRecord
from modegate.domain.routing.mode import Mode
from modegate.domain.usage.query import DAY_MS, HOUR_MS, Group, RequestsQuery, UsageQuery
from modegate.domain.usage.row import UsageRow, row_id

Ask = Callable[[], Awaitable[object]]

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


async def cpu_us(folder: Path, number: int) -> tuple[float, float]:
    """Returns the CPU time of a row in µs: in all, and in the event loop alone."""
    ledger = SqliteUsageLedger(folder)
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


async def steady(folder: Path, seconds: float) -> None:
    """Adds rows at a steady rate and prints what became of them."""
    ledger = SqliteUsageLedger(folder)
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
    with closing(open_database(folder / FILE, USAGE)) as database:
        (stored,) = database.execute("SELECT count(*) FROM requests").fetchone()
    print(f"| rows added in {seconds:.0f} s | {added:,} |")
    print(f"| rows stored after a clean stop | {stored:,} |")
    print(f"| rows lost | {ledger.condition().lost:,} |")
    print(f"| most rows waiting | {most:,} |")
    print(f"| memory after a sixth of the time, at the end | {first // MIB}, {last // MIB} MiB |")


def resident_kib() -> int:
    """Returns the resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


def fill(folder: Path, number: int, end_s: float) -> None:
    """Writes rows over the last `DAYS` days."""
    insertion = Insertion()
    start, step = end_s - DAYS * DAY_MS / 1000, DAYS * DAY_MS / 1000 / number
    began = time.perf_counter()
    with closing(open_database(folder / FILE, USAGE)) as database:
        for at in range(0, number, BATCH):
            rows = [row(it, start + it * step) for it in range(at, min(at + BATCH, number))]
            insertion.insert(database, rows)
    passed = time.perf_counter() - began
    size = (folder / FILE).stat().st_size
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


async def queries(folder: Path, end_s: float, rounds: int) -> None:
    """Prints the median time of each query."""
    ledger = SqliteUsageLedger(folder)
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


async def run(options: argparse.Namespace, folder: Path) -> None:
    """Prints all tables."""
    names = ("cpu", "steady", "filled")
    for name in names:
        (folder / name).mkdir()
    whole, own = await cpu_us(folder / "cpu", 50_000)
    print("| ledger | |\n|---|---|")
    print(f"| CPU of a row, µs | {whole:.1f} |")
    print(f"| of which the event loop, µs | {own:.1f} |")
    await steady(folder / "steady", options.seconds)
    end_s = datetime(2026, 11, 25, 12, 34, 56, tzinfo=UTC).timestamp()
    fill(folder / "filled", options.rows, end_s)
    await queries(folder / "filled", end_s, options.rounds)


def main() -> None:
    """Measures in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--folder", help="where the databases are written, and deleted at the end")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        asyncio.run(run(options, Path(folder)))


if __name__ == "__main__":
    main()
