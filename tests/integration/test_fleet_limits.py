"""Limits and budgets over gateways and workers, while these and the store are killed."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from support.redis import RedisServer, redis_server
from support.serving import COLD, Serving, bare_environment, serving
from support.waiting import until, until_awaited

from modegate.entrypoints.http.server.supervisor import EARLY_EXIT_S
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request

KEY = "sk-fleet-1234567890"
BODY = b'{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":10}'
ANSWER = (
    b'{"id":"c","object":"chat.completion","model":"m","choices":[{"index":0,'
    b'"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":20,"completion_tokens":10,"total_tokens":30}}'
)
USED = 30
AT_ONCE = 1_000
PATIENCE_S = 60.0


class Upstream:
    """Answers when `gate` is open; counts the requests."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def answer(self, _: Request, reply: Reply) -> None:
        self.asked += 1
        await self.gate.wait()
        await reply.whole(200, ANSWER, {"content-type": "application/json"})


class Fleet:
    """Gateways that share a store, and the upstream behind them."""

    def __init__(
        self, gateways: Sequence[Serving], store: RedisServer | None, upstream: Upstream
    ) -> None:
        self.gateways, self._store, self.upstream = gateways, store, upstream

    @property
    def store(self) -> RedisServer:
        """The store; only of gateways that have one."""
        assert self._store is not None
        return self._store

    async def ask(self, number: int, path: str = "/v1/chat/completions") -> int:
        """Asks one of the gateways; returns the status, 0 if the gateway is gone.

        It writes to a socket: a client library would take most of the time of these tests.
        """
        host, _, port = self.gateways[number % len(self.gateways)].address.partition(":")
        body = BODY if path.endswith("completions") else b""
        try:
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(
                f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nHost: test\r\n"
                f"Authorization: Bearer {KEY}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                + body
            )
            answer = await reader.read()
            writer.close()
        except OSError:
            return 0
        return int(answer.split(b" ", 2)[1]) if answer else 0


@asynccontextmanager
async def fleet(
    folder: Path, kind: str, gateways: int, settings: dict[str, str], toml: str = ""
) -> AsyncIterator[Fleet]:
    """Runs gateways with a folder each, which share a store."""
    upstream = Upstream()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(LoopbackServer(upstream.answer).running())
        (folder / "redis").mkdir()
        store = stack.enter_context(redis_server(folder / "redis", name=kind))
        starting = []
        for number in range(gateways):
            home = folder / str(number)
            home.mkdir()
            (home / "modegate.toml").write_text(toml)
            environment = bare_environment(home) | COLD
            environment |= {
                "MODEGATE_STORE": store.url,
                "OPENAI_API_KEY": "sk-x",
                "OPENAI_BASE_URL": f"{url}/v1",
                "API_KEY": KEY,
                "RATE_LIMIT_PER_IP": "100000",
                "MAX_CONCURRENT_PER_KEY": "100000",
            }
            environment |= settings
            starting.append(serving(folder=home, environment=environment))
        running = await asyncio.gather(*(asyncio.to_thread(it.__enter__) for it in starting))
        for it in starting:
            stack.push(it.__exit__)
        try:
            yield Fleet(running, store, upstream)
        finally:
            upstream.gate.set()  # the upstream ends when it has answered


@asynccontextmanager
async def workers(folder: Path, settings: dict[str, str]) -> AsyncIterator[Fleet]:
    """Runs one gateway with three workers and no store."""
    upstream = Upstream()
    async with LoopbackServer(upstream.answer).running() as url:
        environment = bare_environment(folder) | COLD | settings
        environment |= {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": f"{url}/v1", "API_KEY": KEY}
        starting = serving("--workers", "3", folder=folder, environment=environment)
        running = await asyncio.to_thread(starting.__enter__)
        try:
            yield Fleet([running], None, upstream)
        finally:
            upstream.gate.set()
            running.process.terminate()
            await asyncio.to_thread(running.process.wait, 30)
            starting.__exit__(None, None, None)


async def test_a_rate_is_exact_over_workers(tmp_path: Path) -> None:
    settings = {"RATE_LIMIT_PER_IP": "137", "RATE_LIMIT_WINDOW_MS": "3600000"}
    settings["MAX_CONCURRENT_PER_KEY"] = "100000"
    async with workers(tmp_path, settings) as it:
        asking = (it.ask(number, "/v1/sessions") for number in range(AT_ONCE // 2))
        assert Counter(await asyncio.gather(*asking)) == {200: 137, 429: AT_ONCE // 2 - 137}


@pytest.mark.exhaustive
async def test_permits_of_killed_workers_are_free_for_their_successors(tmp_path: Path) -> None:
    settings = {"MAX_CONCURRENT_PER_KEY": "12", "RATE_LIMIT_PER_IP": "100000"}
    async with workers(tmp_path, settings) as it:
        it.upstream.gate.clear()
        asking = [asyncio.create_task(it.ask(number)) for number in range(60)]
        await until(lambda: sum(task.done() for task in asking) == 48, PATIENCE_S)
        assert {task.result() for task in asking if task.done()} == {429}
        await until(lambda: it.upstream.asked == 12, PATIENCE_S)
        killed = children_of(it.gateways[0].process.pid)
        # The gateway ends when workers exit again and again soon after their start.
        await until(lambda: min(map(age_of, killed)) > 2 * EARLY_EXIT_S, PATIENCE_S)
        for worker in killed:
            os.kill(worker, signal.SIGKILL)
        await asyncio.gather(*asking)
        again = [asyncio.create_task(ask_until_admitted(it, number)) for number in range(13)]
        await until(lambda: it.upstream.asked == 24, PATIENCE_S)
        it.upstream.gate.set()
        assert set(await asyncio.gather(*again)) == {200}


def children_of(pid: int) -> Sequence[int]:
    return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


def age_of(pid: int) -> float:
    """Returns the seconds since a process started."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    up = float(Path("/proc/uptime").read_text().split()[0])
    return up - int(fields[19]) / os.sysconf("SC_CLK_TCK")


async def ask_until_admitted(it: Fleet, number: int) -> int:
    """Asks again while all permits are in use, or no worker serves."""
    while (status := await it.ask(number)) in {0, 429}:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return status


async def test_a_rate_is_exact_over_gateways(tmp_path: Path, store_kind: str) -> None:
    settings = {"RATE_LIMIT_PER_IP": "137", "RATE_LIMIT_WINDOW_MS": "3600000"}
    async with fleet(tmp_path, store_kind, 4, settings) as it:
        asking = (it.ask(number, "/v1/sessions") for number in range(AT_ONCE))
        assert Counter(await asyncio.gather(*asking)) == {200: 137, 429: AT_ONCE - 137}


async def test_permits_are_exact_over_gateways_and_free_when_one_is_killed(
    tmp_path: Path, store_kind: str
) -> None:
    async with fleet(tmp_path, store_kind, 4, {"MAX_CONCURRENT_PER_KEY": "40"}) as it:
        it.upstream.gate.clear()
        asking = [asyncio.create_task(it.ask(number)) for number in range(200)]
        await until(lambda: sum(task.done() for task in asking) == 160, PATIENCE_S)
        assert {task.result() for task in asking if task.done()} == {429}
        await until(lambda: it.upstream.asked == 40, PATIENCE_S)
        held = [number for number, task in enumerate(asking) if not task.done()]
        killed = held[0] % 4  # a gateway may hold no permit: the first to ask get them
        os.kill(it.gateways[killed].process.pid, signal.SIGKILL)
        cut_off = [number for number in held if number % 4 == killed]
        await until(lambda: all(asking[number].done() for number in cut_off), PATIENCE_S)
        lost = len(cut_off)
        it.gateways = [*it.gateways[:killed], *it.gateways[killed + 1 :]]

        # The permits of the killed gateway become free, and no other one.
        again = [asyncio.create_task(ask_until_admitted(it, number)) for number in range(lost)]
        await until(lambda: it.upstream.asked == 40 + lost, PATIENCE_S)
        assert await it.ask(0) == 429
        it.upstream.gate.set()
        await asyncio.gather(*asking, *again)
        await until_awaited(lambda: is_free(it, 40), PATIENCE_S)


async def is_free(it: Fleet, permits: int) -> bool:
    """Returns whether all permits can be used at once."""
    it.upstream.gate.clear()
    before = it.upstream.asked
    asking = [asyncio.create_task(it.ask(number)) for number in range(permits)]
    await until(lambda: it.upstream.asked - before + sum(task.done() for task in asking) >= permits)
    it.upstream.gate.set()
    return set(await asyncio.gather(*asking)) == {200}


@pytest.mark.exhaustive
async def test_a_rate_is_never_exceeded_while_the_store_is_killed(
    tmp_path: Path, store_kind: str
) -> None:
    settings = {"RATE_LIMIT_PER_IP": "300", "RATE_LIMIT_WINDOW_MS": "3600000"}
    async with fleet(tmp_path, store_kind, 4, settings) as it:
        statuses = Counter[int]()

        async def ask_until_rejected(number: int) -> None:
            while statuses[429] < 100:
                statuses[await it.ask(number, "/v1/sessions")] += 1

        asking = [asyncio.create_task(ask_until_rejected(number)) for number in range(16)]
        await until(lambda: statuses[200] > 100, PATIENCE_S)
        it.store.kill()
        await until(lambda: statuses[503] > 10, PATIENCE_S)
        await asyncio.to_thread(it.store.start)
        await asyncio.gather(*asking)
    assert set(statuses) == {200, 429, 503}
    # The store may have counted the requests whose replies were lost; one for each under way.
    assert 300 - 16 <= statuses[200] <= 300


async def test_a_budget_with_room_for_10_admits_10_while_the_store_is_killed(
    tmp_path: Path, store_kind: str
) -> None:
    reserved = len(BODY) // 3 + 1 + 10
    toml = f'[budget]\ntokens = {10 * reserved}\nperiod = "month"\n'
    async with fleet(tmp_path, store_kind, 3, {}, toml) as it:
        outages = 0

        async def ask_until_answered(number: int) -> int:
            nonlocal outages
            while (status := await it.ask(number)) == 503:
                outages += 1
                await asyncio.sleep(0.05)
            return status

        it.upstream.gate.clear()
        asking = [asyncio.create_task(ask_until_answered(number)) for number in range(3)]
        await until(lambda: it.upstream.asked == 3, PATIENCE_S)
        it.store.kill()
        asking += [asyncio.create_task(ask_until_answered(number)) for number in range(47)]
        await until(lambda: outages >= 47, PATIENCE_S)
        await asyncio.to_thread(it.store.start)
        await until(lambda: it.upstream.asked == 10, PATIENCE_S)
        await until(lambda: sum(task.done() for task in asking) == 40, PATIENCE_S)
        assert {task.result() for task in asking if task.done()} == {429}
        it.upstream.gate.set()
        await asyncio.gather(*asking)
        assert Counter(task.result() for task in asking) == {200: 10, 429: 40}
        assert it.upstream.asked == 10
