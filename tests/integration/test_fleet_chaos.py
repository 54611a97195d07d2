"""Gateways and the store of a fleet are killed under load: no wrong answer, no turn twice, no leak.

MODEGATE_FLEET_CHAOS sets the number of faults; without it, there are a few.
"""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.balancers import balancer
from support.fleet import Member, fleet
from support.fleet_load import HELD, Upstream
from support.redis import RedisServer, redis_server
from support.serving import wait
from support.waiting import until

FAULTS = int(os.environ.get("MODEGATE_FLEET_CHAOS", "4"))
SEED = int(os.environ.get("MODEGATE_FLEET_SEED", "7"))
GATEWAYS = 3
CLIENTS = 5
# Requests of the client's key at once; more than the clients send.
CONCURRENCY = 8
# Answers between two faults.
BETWEEN = 15
KEY = "sk-client-0123456789"
HEADERS = {"Authorization": f"Bearer {KEY}"}
# What a client may get instead of its answer; None is the error of a load balancer.
CODES = {
    "backend_unavailable",
    "rate_limit_exceeded",  # a permit of a killed gateway is free only when its lease ends
    "server_shutting_down",
    "storage_unavailable",
    None,
}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


class Clients:
    """Clients that ask at random, sometimes leave, and check what they get."""

    def __init__(self, http: httpx2.AsyncClient, seed: int) -> None:
        self._http = http
        self._random = random.Random(seed)  # noqa: S311 - not for cryptography
        self._numbers = count()
        self.outcomes: Counter[str] = Counter()
        self.answered: list[str] = []

    async def run_until(self, stops: asyncio.Event) -> None:
        """Asks one request after another."""
        while not stops.is_set():
            text = f"<{next(self._numbers)}>"
            patience = 0.2 if self._random.random() < 0.1 else 60.0
            try:
                async with asyncio.timeout(patience):
                    await self._ask(text, stream=self._random.random() < 0.5)
            except TimeoutError:
                assert patience < 1, "no answer within a minute"
                self.outcomes["left"] += 1
            except httpx2.TransportError:
                self.outcomes["cut"] += 1
                await asyncio.sleep(0.05)

    async def _ask(self, text: str, *, stream: bool) -> None:
        body = {"model": "m", "messages": [{"role": "user", "content": text}], "stream": stream}
        response = await self._http.post("/v1/chat/completions", json=body, headers=HEADERS)
        if response.status_code != 200:
            code = error_code(response)
            assert code in CODES, response.text
            self.outcomes[str(code)] += 1
            await asyncio.sleep(0.05)
        elif stream and not response.text.endswith("data: [DONE]\n\n"):
            self.outcomes["cut stream"] += 1
        elif stream and "stream_error" in response.text:
            self.outcomes["stream error"] += 1
        else:
            assert all(character in response.text for character in text)
            self.outcomes["answered"] += 1
            self.answered.append(text)


def error_code(response: httpx2.Response) -> str | None:
    """Returns the code of an error of the gateway; None of the load balancer's own."""
    if not response.headers["content-type"].startswith("application/json"):
        assert response.status_code in {502, 503, 504}
        return None
    error: dict[str, Any] = response.json()["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    return str(error["code"])


class Faults:
    """What happens to a fleet; each fault ends before the next one begins."""

    def __init__(self, members: list[Member], store: RedisServer, seed: int) -> None:
        self._members = members
        self._store = store
        self._random = random.Random(seed)  # noqa: S311 - not for cryptography
        self.kinds: list[Callable[[], Awaitable[None]]] = [
            self.kill_gateway,
            self.kill_store,
            self.pause_store,
            self.restart_gateway,
        ]

    async def kill_gateway(self) -> None:
        """A gateway crashes, and is started again."""
        member = self._random.choice(self._members)
        member.kill()
        await asyncio.to_thread(member.start)

    async def restart_gateway(self) -> None:
        """An operator restarts a gateway."""
        member = self._random.choice(self._members)
        await asyncio.to_thread(member.stop)
        await asyncio.to_thread(member.start)

    async def kill_store(self) -> None:
        """The store crashes, and is started again."""
        await asyncio.to_thread(self._store.kill)
        await asyncio.sleep(self._random.random())
        await asyncio.to_thread(self._store.start)

    async def pause_store(self) -> None:
        """The store hangs for a while."""
        self._store.pause()
        await asyncio.sleep(self._random.random())
        self._store.resume()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    made = Upstream()
    async with made.server.running():
        yield made


@pytest.mark.exhaustive
async def test_faults_of_gateways_and_store_cause_no_wrong_answer_and_no_leak(
    upstream: Upstream, tmp_path: Path, store_kind: str
) -> None:
    stores = tmp_path / "store"
    stores.mkdir()
    with redis_server(stores, fsync="no", name=store_kind) as store:
        settings = {
            "OPENAI_BASE_URL": f"{upstream.server.url}/v1",
            "OPENAI_API_KEY": "sk-{number}",
            "UPSTREAM_MAX_RETRIES": "0",
            "MODEGATE_STORE": store.url,
            "API_KEY": KEY,
            "MAX_CONCURRENT_PER_KEY": str(CONCURRENCY),
            "DRAIN_DELAY_MS": "1000",
        }
        with (
            fleet(tmp_path, GATEWAYS, settings) as members,
            balancer("haproxy", tmp_path / "front", [it.address for it in members]) as front,
        ):
            await asyncio.to_thread(wait, lambda: members[0].ask("/live"))
            async with httpx2.AsyncClient(base_url=front.url, timeout=90, trust_env=False) as http:
                clients = Clients(http, SEED)
                await suffer(clients, Faults(members, store, SEED))
                print(f"{FAULTS} faults: {dict(clients.outcomes)}")  # noqa: T201
                assert max(upstream.texts.values()) == 1, "a request was repeated"
                assert {*clients.answered} <= upstream.texts.keys()
                await all_permits_are_free(http, upstream)


async def suffer(clients: Clients, faults: Faults) -> None:
    """Runs clients, and one fault after another while they get answers."""
    stops = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(clients.run_until(stops))
        for number in range(FAULTS + 1):
            enough = clients.outcomes["answered"] + BETWEEN
            await until(lambda: clients.outcomes["answered"] >= enough, 120)  # noqa: B023
            if number < FAULTS:
                await faults.kinds[number % len(faults.kinds)]()
        stops.set()


async def all_permits_are_free(http: httpx2.AsyncClient, upstream: Upstream) -> None:
    """Waits until the key may send as many requests at once as before; it never may send more."""
    body = {"model": "m", "messages": [{"role": "user", "content": HELD}]}

    async def ask() -> int:
        return (await http.post("/v1/chat/completions", json=body, headers=HEADERS)).status_code

    async with asyncio.timeout(120):
        admitted = 0
        while admitted < CONCURRENCY:
            upstream.release.clear()
            upstream.texts.clear()
            asking = [asyncio.create_task(ask()) for _ in range(CONCURRENCY + 2)]
            await until(
                lambda: upstream.texts[HELD] + sum(it.done() for it in asking) == len(asking),  # noqa: B023
                60,
            )
            admitted = upstream.texts[HELD]
            upstream.release.set()
            statuses = Counter(await asyncio.gather(*asking))
            assert statuses == {200: admitted, 429: len(asking) - admitted}
    assert admitted == CONCURRENCY
