"""Batches of two gateways, as processes with state folders of their own, on one PostgreSQL."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from openai import AsyncOpenAI, InternalServerError
from openai.types import Batch
from support.postgres import PostgresServer, postgres_server
from support.serving import COLD, Serving, bare_environment, serving
from support.waiting import until

from modegate.adapters.postgres.options import PostgresOptions
from modegate.adapters.postgres.usage_ledger import PostgresUsageLedger
from modegate.domain.usage.row import UsageRow
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request

ITEMS = 24
CONCURRENCY = 4
FREE = 5
CHAT: Any = "/v1/chat/completions"
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


class ModelsApi:
    """An upstream without a batch API; all answers but the first ones wait for `go`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answered = 0
        self.go = asyncio.Event()

    async def answer(self, request: Request, reply: Reply) -> None:
        body = json.loads(request.body)
        self.asked.append(body["messages"][0]["content"])
        if len(self.asked) > FREE:
            await self.go.wait()
        message = {"role": "assistant", "content": "Hi"}
        found = {
            "id": "c",
            "object": "chat.completion",
            "created": 1,
            "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
        }
        await reply.whole(200, json.dumps(found).encode(), {"content-type": "application/json"})
        self.answered += 1


@dataclass(frozen=True)
class Member:
    """A gateway of the fleet, and its client."""

    serving: Serving
    sdk: AsyncOpenAI


@asynccontextmanager
async def fleet(folder: Path, url: str, api: ModelsApi) -> AsyncIterator[Sequence[Member]]:
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(LoopbackServer(api.answer).running())

        async def member(name: str) -> Member:
            home = folder / name
            home.mkdir()
            environment = bare_environment(home) | {
                "OPENAI_API_KEY": "sk-server",
                "OPENAI_BASE_URL": f"{upstream}/v1",
                "OPENAI_BATCHES": "gateway",
                "UPSTREAM_MAX_RETRIES": "0",
                "RATE_LIMIT_PER_IP": "100000",
                "BATCH_CONCURRENCY": str(CONCURRENCY),
                "MODEGATE_LEDGER": url,
                **COLD,
            }
            process = serving(folder=home, environment=environment)
            running = await asyncio.to_thread(process.__enter__)
            stack.push_async_callback(asyncio.to_thread, process.__exit__, None, None, None)
            client = AsyncOpenAI(base_url=f"{running.url}/v1", api_key="x", max_retries=0)
            return Member(running, await stack.enter_async_context(client))

        yield await asyncio.gather(member("a"), member("b"))


async def started(upload: AsyncOpenAI, create: AsyncOpenAI) -> Batch:
    """Uploads a file at one gateway, and creates its batch at another."""
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
    request: dict[str, Any] = {"method": "POST", "url": CHAT, "body": body}
    content = "\n".join(json.dumps(request | {"custom_id": f"item-{it}"}) for it in range(ITEMS))
    file = await upload.files.create(file=("in.jsonl", content.encode()), purpose="batch")
    return await create.batches.create(
        input_file_id=file.id, endpoint=CHAT, completion_window="24h"
    )


async def ended(sdk: AsyncOpenAI, batch_id: str) -> Batch:
    async with asyncio.timeout(60):
        while (found := await sdk.batches.retrieve(batch_id)).status != "completed":  # noqa: ASYNC110 - the gateway sets no event
            await asyncio.sleep(0.05)
    return found


async def both_run(api: ModelsApi) -> None:
    """Waits until each gateway has as many requests at the upstream as it may."""
    await until(lambda: len(api.asked) == FREE + 2 * CONCURRENCY, 60)


async def output_of(sdk: AsyncOpenAI, batch: Batch) -> list[dict[str, Any]]:
    assert batch.output_file_id is not None
    content = await sdk.files.content(batch.output_file_id)
    return [json.loads(it) for it in content.text.splitlines()]


async def check(url: str, batch: Batch, rows: Sequence[dict[str, Any]]) -> None:
    """Checks that each item has one answer and one row of usage."""
    assert batch.request_counts is not None
    assert batch.request_counts.to_dict() == {"total": ITEMS, "completed": ITEMS, "failed": 0}
    assert [it["custom_id"] for it in rows] == [f"item-{it}" for it in range(ITEMS)]
    paid = [it.request_id for it in await usage_of(url) if it.prompt_tokens]
    assert sorted(map(str, paid)) == sorted(it["response"]["request_id"] for it in rows)


async def usage_of(url: str) -> Sequence[UsageRow]:
    ledger = PostgresUsageLedger(PostgresOptions(url))
    try:
        return await ledger.page(0, 10 * ITEMS)
    finally:
        await ledger.aclose()


async def test_a_killed_gateway_leaves_its_batch_to_the_other(tmp_path: Path, url: str) -> None:
    api = ModelsApi()
    async with fleet(tmp_path, url, api) as (one, other):
        batch = await started(one.sdk, other.sdk)
        await both_run(api)
        one.serving.process.kill()
        await asyncio.to_thread(one.serving.process.wait)
        # As if the lease of both had ended: the one that lives renews its own.
        execute(url, "UPDATE modegate_workers SET seen_at = seen_at - 60")
        api.go.set()
        batch = await ended(other.sdk, batch.id)
        await check(url, batch, await output_of(other.sdk, batch))
        assert len(api.asked) >= ITEMS + CONCURRENCY


async def test_a_batch_goes_on_when_the_database_comes_back(
    tmp_path: Path, url: str, server: PostgresServer
) -> None:
    api = ModelsApi()
    async with fleet(tmp_path, url, api) as (one, other):
        batch = await started(one.sdk, other.sdk)
        await both_run(api)
        await asyncio.to_thread(server.stop)
        try:
            api.go.set()
            await until(lambda: api.answered == FREE + 2 * CONCURRENCY, 60)
            for member in (one, other):
                with pytest.raises(InternalServerError) as raised:
                    await member.sdk.batches.retrieve(batch.id)
                assert raised.value.code == "storage_unavailable"
        finally:
            await asyncio.to_thread(server.start)
        batch = await ended(one.sdk, batch.id)
        rows = await output_of(other.sdk, batch)
        assert rows == await output_of(one.sdk, batch)
        await check(url, batch, rows)
        names = [it.name for it in (tmp_path / "a" / "state").iterdir()]
        assert not {"batches.db", "batch-files"} & set(names)
