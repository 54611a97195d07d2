from collections.abc import Sequence

import pytest

from modegate.adapters.memory.usage_ledger import MemoryUsageLedger
from modegate.application.usage.expire import ExpireUsage
from modegate.application.usage.query import QueryUsage
from modegate.application.usage.record import RecordUsage
from modegate.application.usage.transfer import DamagedLineError, ExportUsage, ImportUsage
from modegate.dialects.usage.rows import line_of
from modegate.domain.request_record import RequestRecord
from modegate.domain.usage.query import DAY_MS, HOUR_MS
from modegate.testing.clock import FakeClock
from modegate.testing.contracts.usage_ledger import DAY, FULL, NOON_MS, all_rows, row_at


async def test_only_requests_that_reached_a_backend_are_recorded() -> None:
    ledger = MemoryUsageLedger()
    record = RecordUsage(ledger, FakeClock(NOON_MS / 1000), start=5)
    record.observe(RequestRecord(request_id="refused"))
    for name in ("mine", "mine"):
        record.observe(RequestRecord(request_id=name, reached_backend=True))
    rows = await all_rows(ledger)
    assert [it.request_id for it in rows] == ["mine", "mine"]
    assert [it.id for it in rows] == [row_at(NOON_MS, 5).id, row_at(NOON_MS, 6).id]


def test_the_default_range_has_everything_until_now() -> None:
    usage = QueryUsage(ledger=MemoryUsageLedger(), clock=FakeClock(NOON_MS / 1000 + 0.9))
    begin, end = usage.default_range()
    assert (begin, end) == ((DAY - 30) * DAY_MS, NOON_MS + 1000)
    assert usage.default_range(DAY * DAY_MS + 5) == ((DAY - 30) * DAY_MS, DAY * DAY_MS + 5)
    assert usage.default_range(5) == (0, 5)


async def test_what_was_exported_is_imported_once() -> None:
    ledger, other = MemoryUsageLedger(), MemoryUsageLedger()
    rows = [FULL, *(row_at(NOON_MS + 1, number) for number in range(2500))]
    await ledger.put(rows)
    lines = b"".join([part async for part in ExportUsage(ledger).execute()]).splitlines(
        keepends=True
    )
    assert len(lines) == 2501
    imported = ImportUsage(other)
    assert await imported.execute(lambda: lines[:2000]) == (2000, 2000)
    assert await imported.execute(lambda: [*lines, b"\n"]) == (2501, 501)
    assert await imported.execute(lambda: lines) == (2501, 0)
    assert list(await other.page(0, 9999)) == rows


@pytest.mark.parametrize("lines", [[line_of(FULL)] * 1500 + [b"{}"], [b"", b"x"]])
async def test_a_damaged_line_is_named_and_nothing_is_imported(lines: Sequence[bytes]) -> None:
    ledger = MemoryUsageLedger()
    with pytest.raises(DamagedLineError, match=f"line {len(lines)}: ") as damaged:
        await ImportUsage(ledger).execute(lambda: lines)
    assert damaged.value.number == len(lines)
    assert await all_rows(ledger) == []


async def test_whole_days_expire_when_they_are_old_enough() -> None:
    ledger, clock = MemoryUsageLedger(), FakeClock(NOON_MS / 1000)
    kept = row_at((DAY - 3) * DAY_MS)
    await ledger.put([*(row_at((DAY - 3) * DAY_MS - 1, it) for it in range(2100)), kept])
    expire = ExpireUsage(ledger=ledger, clock=clock, retention_days=3)
    assert await expire.execute() == 2100
    assert await all_rows(ledger) == [kept]
    clock.advance(12 * HOUR_MS / 1000)
    assert await expire.execute() == 1
