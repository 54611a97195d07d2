"""The queue of batches in PostgreSQL: its contract, and workers that are killed."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from itertools import count
from urllib.parse import quote

import psycopg
import pytest
from support.postgres import PostgresServer, postgres_server
from support.waiting import until

from modegate.adapters.postgres.batches.queue import PostgresBatchQueue
from modegate.adapters.postgres.options import PostgresOptions
from modegate.domain.batches.state import BatchState
from modegate.domain.errors import StorageError
from modegate.testing.contracts.batch_queue import BatchQueueContract
from modegate.testing.contracts.batch_samples import LEASE_S, W1, W2, batch, entered, items, result

NUMBERS = count()
LATER = (
    "UPDATE modegate_workers SET seen_at = seen_at - {0}",
    "UPDATE modegate_items SET ready_at = ready_at - {0}",
    "UPDATE modegate_batches SET due_at = due_at - {0}",
)


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


@asynccontextmanager
async def opened(url: str, lease_s: float = LEASE_S) -> AsyncIterator[PostgresBatchQueue]:
    queue = PostgresBatchQueue(PostgresOptions(url), lease_s)
    try:
        yield queue
    finally:
        await queue.aclose()


class TestPostgresBatchQueue(BatchQueueContract):
    @pytest.fixture(autouse=True)
    def at(self, url: str) -> None:
        self.url = url

    @asynccontextmanager
    async def queue(self) -> AsyncIterator[PostgresBatchQueue]:
        async with opened(self.url) as queue:
            yield queue

    async def pass_time(self, seconds: float) -> None:
        for statement in LATER:
            execute(self.url, statement.format(seconds))


async def started(queue: PostgresBatchQueue, number: int) -> str:
    """Adds a batch in progress, and returns its id."""
    await queue.add(batch())
    await queue.put_items(batch().id, items(number))
    await queue.change(batch().id, lambda it: entered(BatchState.IN_PROGRESS, it))
    return batch().id


async def test_custom_ids_have_any_characters(url: str) -> None:
    async with opened(url) as queue:
        await queue.add(batch())
        name = "a\0\ud800é"
        (plain,) = items(1)
        await queue.put_items(batch().id, [type(plain)(1, name, b"{}")])
        await queue.change(batch().id, lambda it: entered(BatchState.IN_PROGRESS, it))
        (claimed,) = await queue.claim(W1, 1)
        assert claimed.item.custom_id == name
        assert await queue.finish(result(batch().id, "x")) is False


async def test_a_claim_whose_answer_was_lost_ends_with_the_next_one(url: str) -> None:
    async with opened(url) as queue, opened(url) as other:
        batch_id = await started(queue, 3)
        await other.claim(W1, 2)  # as if by `queue`, which never got the answer
        assert len(await queue.claim(W1, 9)) == 3
        assert list(await queue.claim(W1, 9)) == []
        assert list(await queue.claim(W2, 9)) == []
        for number in (1, 2, 3):
            assert await queue.finish(result(batch_id, f"item-{number}"))
        assert await other.take_due(W1) is not None  # lost, too
        assert await queue.take_due(W2) is None
        assert await queue.take_due(W1) is not None
        assert await queue.take_due(W1) is None


async def test_a_server_that_was_away_keeps_all_claims(url: str, server: PostgresServer) -> None:
    async with opened(url) as queue:
        batch_id = await started(queue, 2)
        await queue.claim(W1, 1)
        await asyncio.to_thread(server.kill)
        try:
            with pytest.raises(StorageError):
                await queue.claim(W1, 1)
        finally:
            await asyncio.to_thread(server.start)
        assert len(await queue.claim(W1, 9)) == 1
        assert await queue.finish(result(batch_id, "item-1"))
        assert await queue.finish(result(batch_id, "item-2"))


WORK = """
import asyncio, os, sys
from modegate.adapters.postgres.batches.queue import PostgresBatchQueue
from modegate.adapters.postgres.options import PostgresOptions
from modegate.domain.batches.queued_item import FinishedItem

async def work():
    url, worker, hangs = sys.argv[1:]
    queue = PostgresBatchQueue(PostgresOptions(url), lease_s=2.0)

    async def beat():
        while True:
            await queue.heartbeat(worker)
            await asyncio.sleep(0.2)

    beating = asyncio.create_task(beat())
    while True:
        for it in await queue.claim(worker, 10):
            if hangs == "hangs":
                print("claimed", flush=True)
                await asyncio.sleep(600)
            name = it.item.custom_id
            done = FinishedItem(batch_id=it.batch_id, custom_id=name, is_failed=False, line=name.encode())
            if await queue.finish(done):
                print(name, flush=True)
        batch = await queue.get(sys.stdin_batch)
        if batch.counts.finished == batch.counts.total:
            break
        await asyncio.sleep(0.05)
    beating.cancel()
    await queue.aclose()

sys.stdin_batch = sys.stdin.readline().strip()
asyncio.run(work())
"""


async def working(url: str, worker: str, end: str, batch_id: str) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", WORK, url, worker, end),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(f"{batch_id}\n".encode())
    return process


async def test_a_worker_killed_with_its_claims_loses_no_item_and_repeats_no_result(
    url: str,
) -> None:
    async with opened(url) as queue:
        batch_id = await started(queue, 60)
        killed = await working(url, "w-killed", "hangs", batch_id)
        assert killed.stdout is not None
        assert await killed.stdout.readline() == b"claimed\n"
        assert execute(url, "SELECT count(*) FROM modegate_items WHERE worker = 'w-killed'") == [
            (10,)
        ]
        others = [await working(url, f"w{it}", "works", batch_id) for it in range(2)]
        await until(lambda: finished(url) == 50, seconds=60)
        killed.kill()
        await killed.communicate()
        outputs = [(await other.communicate())[0] for other in others]
        names = Counter(name for output in outputs for name in output.decode().split())
        assert names == Counter(f"item-{it}" for it in range(1, 61))
        found = await queue.get(batch_id)
        assert found is not None
        assert found.counts.completed == 60
        page = await queue.page(batch_id, 0, 100)
        assert [it.line for it in page] == [f"item-{it}".encode() for it in range(1, 61)]


def finished(url: str) -> object:
    ((number,),) = execute(url, "SELECT count(*) FROM modegate_items WHERE result IS NOT NULL")
    return number
