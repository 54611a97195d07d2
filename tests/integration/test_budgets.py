"""Budgets and token limits of a running gateway, in both modes."""

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI
from support.gateway import Gateway, GatewayFactory
from support.serving import COLD, bare_environment, serving
from support.waiting import until

from modegate.simulator.loopback_server import LoopbackServer, Reply, Request
from modegate.testing.answer_backend import ScriptedBackend, says
from modegate.testing.clock import FakeClock

ADMIN_KEY = "sk-admin-0123456789"
ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}
PRICES = {"gpt-4o*": {"input": 2.5, "output": 10.0}}
USED = 30
DOLLARS, TOKENS = "x-budget-remaining-usd", "x-budget-remaining-tokens"
TEXT = (
    b'data: {"id":"c","model":"gpt-4o","choices":[{"index":0,"delta":{"content":"Hi"},'
    b'"finish_reason":"stop"}]}\n\n'
)
REPORT = b'{"prompt_tokens":20,"completion_tokens":10,"total_tokens":30}'
COMPLETE = (
    b'{"id":"c","object":"chat.completion","model":"gpt-4o","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],"usage":%b}' % REPORT
)


class Upstream:
    """Answers with 20 + 10 tokens, or an error; requests for `held` wait until they are let go."""

    def __init__(self) -> None:
        self.asked = 0
        self.open = asyncio.Event()

    async def answer(self, request: Request, reply: Reply) -> None:
        self.asked += 1
        model = request.json["model"]
        if model == "gpt-4o-held":
            await self.open.wait()
        if model == "gpt-4o-broken":
            await reply.whole(400, b'{"error":{"message":"no"}}')
        elif request.json.get("stream"):
            await reply.begin({"content-type": "text/event-stream"})
            await reply.chunk(TEXT)
            if model == "gpt-4o-slow":
                await reply.gone.wait()
                return
            await reply.chunk(b'data: {"id":"c","choices":[],"usage":%b}\n\n' % REPORT)
            await reply.chunk(b"data: [DONE]\n\n")
            await reply.end()
        else:
            await reply.whole(200, COMPLETE)


class World:
    """A gateway with an operator, and the upstream behind it."""

    def __init__(self, gateway: Gateway, upstream: Upstream, clock: FakeClock) -> None:
        self.gateway, self.upstream, self.clock = gateway, upstream, clock

    async def key(self, **fields: object) -> dict[str, str]:
        """Creates a key and returns the headers that send it."""
        response = await self.gateway.http.post(
            "/admin/keys", json={"name": "test", "concurrency": 1000, **fields}, headers=ADMIN
        )
        assert response.status_code == 201, response.text
        return {"Authorization": f"Bearer {response.json()['secret']}"}

    async def ask(
        self, key: dict[str, str], model: str = "gpt-4o", **fields: object
    ) -> httpx2.Response:
        """Sends a request that reserves 24 bytes / 3 and more, and 10 tokens."""
        body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 10}
        return await self.gateway.http.post(
            "/v1/chat/completions", json=body | fields, headers=key | {"X-Claude-Code": "false"}
        )

    async def left(self, key: dict[str, str]) -> int:
        """Returns the tokens that a key has left, as its next answer says, without that answer."""
        response = await self.ask(key)
        assert response.status_code == 200, response.text
        return int(response.headers[TOKENS]) + USED

    async def ratio(self) -> float:
        """Returns what the only key with a budget has left, from 0 to 1."""
        page = (await self.gateway.http.get("/metrics")).text
        found = re.search(
            r'^modegate_budget_remaining_ratio\{key="key_\w+"\} (.+)$', page, re.MULTILINE
        )
        assert found is not None
        return float(found[1])


@pytest.fixture
async def world(gateway: GatewayFactory) -> AsyncIterator[World]:
    upstream, clock = Upstream(), FakeClock(time.time() // 86_400 * 86_400 + 43_200)
    async with (
        LoopbackServer(upstream.answer).running() as url,
        gateway(
            claude=ScriptedBackend(*says("Hello")),
            clock=clock,
            admin_key=ADMIN_KEY,
            openai_api_key="sk-server",
            openai_base_url=f"{url}/v1",
            prices=PRICES,
            rate_limit_per_ip=1_000_000,
        ) as running,
    ):
        yield World(running, upstream, clock)
        upstream.open.set()


async def test_answers_say_what_is_left_of_a_budget(world: World) -> None:
    key = await world.key(budget={"usd": 1, "tokens": 1000, "period": "day"})
    response = await world.ask(key)
    assert response.headers[TOKENS] == str(1000 - USED)
    assert response.headers[DOLLARS] == f"{1 - (20 * 2.5 + 10 * 10) / 1e6:.6f}"
    client = AsyncOpenAI(
        base_url=f"{world.gateway.url}/v1",
        api_key=key["Authorization"].removeprefix("Bearer "),
        default_headers={"X-Claude-Code": "false"},
    )
    async with client:
        stream = await client.chat.completions.create(
            model="gpt-4o",
            messages=[{"role": "user", "content": "Hi"}],
            max_tokens=10,
            stream=True,
        )
        chunks = [chunk async for chunk in stream]
    assert all(chunk.choices for chunk in chunks)  # the report is the gateway's own
    assert await world.left(key) == 1000 - 2 * USED


async def test_of_50_requests_at_once_those_with_room_are_admitted(world: World) -> None:
    reserved = len(world_body()) // 3 + 1 + 10
    key = await world.key(budget={"tokens": 10 * reserved, "period": "day"})
    asking = [asyncio.create_task(world.ask(key, "gpt-4o-held")) for _ in range(50)]
    await until(partial(has_admitted, world.upstream, asking, 10))
    world.upstream.open.set()
    responses = await asyncio.gather(*asking)
    refused = [it for it in responses if it.status_code == 429]
    assert len(refused) == 40
    assert {it.json()["error"]["code"] for it in refused} == {"budget_exceeded"}
    assert all(int(it.headers["Retry-After"]) == 43_200 for it in refused)
    assert await world.left(key) == 10 * reserved - 10 * USED


def has_admitted(upstream: Upstream, asking: Sequence[asyncio.Task[Any]], number: int) -> bool:
    """Returns whether all other requests are refused, and this number has reached the upstream."""
    assert upstream.asked <= number
    return upstream.asked == number and sum(it.done() for it in asking) == len(asking) - number


def world_body() -> bytes:
    """Returns the body of a request for `gpt-4o-held`, as the client writes it."""
    return b'{"model":"gpt-4o-held","messages":[{"role":"user","content":"Hi"}],"max_tokens":10}'


@pytest.mark.parametrize("model", ["gpt-4o-broken", "unpriced"])
async def test_a_request_without_an_answer_releases_its_reservation(
    world: World, model: str
) -> None:
    key = await world.key(budget={"usd": 1, "tokens": 1000, "period": "day"})
    response = await world.ask(key, model)
    assert response.status_code == (400 if model == "gpt-4o-broken" else 403)
    if model == "unpriced":
        assert response.json()["error"]["code"] == "price_unknown"
        assert world.upstream.asked == 0
    assert await world.left(key) == 1000


async def test_clients_that_disconnect_settle_what_was_used(world: World) -> None:
    key = await world.key(budget={"tokens": 100_000, "period": "day"})
    for _ in range(5):
        async with world.gateway.http.stream(
            "POST",
            "/v1/chat/completions",
            json={"model": "gpt-4o-slow", "messages": [], "stream": True},
            headers=key | {"X-Claude-Code": "false"},
        ) as response:
            assert await anext(response.aiter_bytes())
    # 1,024 tokens were reserved for each; only a fraction of them was used.
    left = 1.0
    while not 0.99 < (left := await world.ratio()) < 1:
        assert left > 0.9


async def test_tokens_a_minute_are_limited(world: World) -> None:
    key = await world.key(tpm=60)
    assert (await world.ask(key)).status_code == 200
    refused = await world.ask(key)
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "rate_limit_exceeded"
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    world.clock.jump(60)
    assert (await world.ask(key)).status_code == 200


async def test_claude_code_spends_the_same_budget(world: World) -> None:
    key = await world.key(budget={"tokens": 5000, "period": "day"})
    response = await world.gateway.claude(headers=key)
    assert response.status_code == 200
    assert int(response.headers[TOKENS]) == 5000 - response.json()["usage"]["total_tokens"]
    # 1,024 completion tokens are reserved at the highest price: 0.077 USD and the prompt.
    for usd, status in ((0.07, 429), (0.09, 200)):
        dollars = await world.key(budget={"usd": usd, "period": "day"})
        assert (await world.gateway.claude(headers=dollars)).status_code == status
    small = await world.key(budget={"tokens": 1000, "period": "day"})
    refused = await world.gateway.claude(headers=small)
    assert refused.json()["error"]["code"] == "budget_exceeded"
    listed = await world.gateway.http.get("/v1/sessions", headers=small)
    assert listed.json()["data"] == []


async def test_a_restart_keeps_what_was_spent(gateway: GatewayFactory) -> None:
    upstream = Upstream()
    settings: dict[str, Any] = {
        "admin_key": ADMIN_KEY,
        "openai_api_key": "sk-server",
        "budget": {"tokens": 80, "period": "month"},
    }
    async with LoopbackServer(upstream.answer).running() as url:
        settings["openai_base_url"] = f"{url}/v1"
        for asked in (1, 2):
            async with gateway(**settings) as running:
                world = World(running, upstream, FakeClock())
                assert (await world.ask({})).status_code == 200
                assert upstream.asked == asked
        async with gateway(**settings) as running:
            world = World(running, upstream, FakeClock())
            refused = await world.ask({})
            assert refused.json()["error"]["code"] == "budget_exceeded"
            metrics = (await running.http.get("/metrics")).text
            assert 'modegate_budget_remaining_ratio{key="gateway"} 0.25' in metrics


async def test_workers_share_a_budget_also_after_a_kill(tmp_path: Path) -> None:
    upstream = Upstream()
    reserved = len(world_body()) // 3 + 1 + 10
    (tmp_path / "modegate.toml").write_text(f'[budget]\ntokens = {10 * reserved}\nperiod = "month"')
    async with LoopbackServer(upstream.answer).running() as url:
        settings = {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": f"{url}/v1"}
        environment = bare_environment(tmp_path) | COLD | settings | {"RATE_LIMIT_PER_IP": "1000"}
        for _ in range(2):
            async with running_workers(tmp_path, environment) as address:
                upstream.asked = 0
                asking = [asyncio.create_task(ask_once(address)) for _ in range(50)]
                await until(partial(has_admitted, upstream, asking, 10))
                assert {it.result() for it in asking if it.done()} == {429}
            # The gateway was killed with ten requests under way, which count as nothing.
            await asyncio.gather(*asking, return_exceptions=True)


async def ask_once(address: str) -> int:
    """Sends a request on a connection of its own, so that any worker gets it."""
    async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
        response = await client.post(
            f"http://{address}/v1/chat/completions",
            content=world_body(),
            headers={"X-Claude-Code": "false", "Content-Type": "application/json"},
        )
        return response.status_code


@asynccontextmanager
async def running_workers(folder: Path, environment: dict[str, str]) -> AsyncIterator[str]:
    """Runs three workers; kills them all at the end."""
    starting = serving("--workers", "3", folder=folder, environment=environment)
    started = await asyncio.to_thread(starting.__enter__)
    try:
        yield started.address
    finally:
        parent = started.process.pid
        workers = children_of(parent)
        for pid in (parent, *workers):  # the parent first, or it starts others
            os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(starting.__exit__, None, None, None)


def children_of(pid: int) -> Sequence[int]:
    """Returns the pids of a process's children."""
    return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
