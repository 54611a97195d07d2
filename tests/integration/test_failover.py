"""Several credentials through the running gateway, against a stand-in that answers by key."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from support.gateway import Gateway, GatewayFactory
from support.waiting import until

from modegate.domain.access.api_key import ApiKey
from modegate.domain.access.key_ring import KeyRing
from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.selection import Strategy
from modegate.domain.quota import Limit
from modegate.domain.routing.route import Routes
from modegate.domain.routing.upstream import Upstream
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request
from modegate.testing.clock import FakeClock
from modegate.testing.configuration_source import FakeConfigurationSource

JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream"}
ANSWER = b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}'
FIRST = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}\n\n'
LAST = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
MANY = Limit("address", 1_000_000, 60.0)
ERROR = b'{"error":{"message":"from the upstream"}}'


@dataclass
class StandIn:
    """Answers by credential: a status, or `silent`, `cut` or `html`; 200 without an entry."""

    behaviour: dict[str, int | str] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)

    async def answer(self, request: Request, reply: Reply) -> None:
        key = request.headers["authorization"].removeprefix("Bearer sk-")
        self.asked.append(key)
        self.requests.append(request)
        match self.behaviour.get(key, 200):
            case 200 if request.json.get("stream"):
                await reply.begin(EVENTS)
                await reply.chunk(FIRST)
                await reply.chunk(LAST)
                await reply.end()
            case 200:
                await reply.whole(200, ANSWER, JSON)
            case "silent":
                await reply.gone.wait()
            case "cut":
                reply.cut()
            case "html":
                await reply.whole(200, b"<html>Blocked</html>", {"content-type": "text/html"})
            case status:
                assert isinstance(status, int)
                await reply.whole(status, ERROR, JSON | self.headers.get(key, {}))


@dataclass
class Pool:
    """A gateway with one upstream of several credentials, named by their key."""

    gateway: Gateway
    stand_in: StandIn
    clock: FakeClock

    async def ask(self, *, stream: bool = False, **params: object) -> int:
        body = {"model": "m", "messages": [], "stream": stream, **params}
        response = await self.gateway.http.post("/v1/chat/completions", json=body)
        self.last = response
        return response.status_code


Behind = Callable[..., AbstractAsyncContextManager[Pool]]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_792_000_000.0)


@pytest.fixture
def behind(gateway: GatewayFactory, clock: FakeClock) -> Behind:
    @asynccontextmanager
    async def start(
        *ids: str,
        strategy: Strategy = Strategy.FILL_FIRST,
        first_byte_ms: int = 30_000,
        **behaviour: int | str,
    ) -> AsyncIterator[Pool]:
        stand_in = StandIn(dict(behaviour))
        async with LoopbackServer(stand_in.answer).running() as url:
            credentials = tuple(Credential(it, ApiKey(f"sk-{it}")) for it in ids)
            upstream = Upstream(
                name="test", base_url=f"{url}/v1", credentials=credentials, strategy=strategy
            )
            configuration = FakeConfigurationSource(
                routes=Routes(upstreams=(upstream,)), per_address=MANY, keys=KeyRing(())
            )
            async with gateway(
                configuration=configuration,
                clock=clock,
                upstream_max_retries=0,
                upstream_first_byte_timeout_ms=first_byte_ms,
                claude_path="/nonexistent/claude",
            ) as running:
                yield Pool(running, stand_in, clock)

    return start


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("failure", [401, 402, 403, 429, 500, 529, "cut", "silent"])
async def test_a_failing_credential_is_followed_by_the_next(
    behind: Behind,
    failure: int | str,
    stream: bool,
) -> None:
    patience = 500 if failure == "silent" else 30_000
    async with behind("a", "b", a=failure, first_byte_ms=patience) as pool:
        assert await pool.ask(stream=stream) == 200
        assert pool.stand_in.asked == ["a", "b"]
        assert b"Hi" in pool.last.content


@pytest.mark.parametrize("failure", [400, 404, 413, 415, 422, "html"])
async def test_a_fault_of_the_request_has_one_attempt(
    behind: Behind,
    failure: int | str,
) -> None:
    async with behind("a", "b", a=failure) as pool:
        assert await pool.ask() == (failure if isinstance(failure, int) else 502)
        assert pool.stand_in.asked == ["a"]
        if isinstance(failure, int):
            assert pool.last.content == ERROR
        pool.stand_in.behaviour.clear()
        assert await pool.ask() == 200
        assert pool.stand_in.asked == ["a", "a"]


async def test_fill_first_returns_to_the_first_when_its_time_is_over(behind: Behind) -> None:
    async with behind("a", "b", a=429) as pool:
        pool.stand_in.headers["a"] = {"retry-after": "30"}
        assert await pool.ask() == 200
        pool.stand_in.behaviour.clear()
        for _ in range(3):
            assert await pool.ask() == 200
        pool.clock.advance(30)
        assert await pool.ask() == 200
        assert pool.stand_in.asked == ["a", "b", "b", "b", "b", "a"]


async def test_without_a_usable_credential_the_answer_names_the_soonest(behind: Behind) -> None:
    async with behind("a", "b", a=429, b=429) as pool:
        pool.stand_in.headers["a"] = {"retry-after": "50"}
        pool.stand_in.headers["b"] = {"retry-after": "20"}
        assert await pool.ask() == 429
        assert pool.last.content == ERROR
        assert pool.last.headers["retry-after"] == "20"
        assert await pool.ask() == 429
        assert pool.last.json()["error"]["code"] == "no_credentials_available"
        assert pool.last.headers["retry-after"] == "20"
        assert pool.stand_in.asked == ["a", "b"]


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (Strategy.FILL_FIRST, {"a": 192}),
        (Strategy.ROUND_ROBIN, {"a": 64, "b": 64, "c": 64}),
        (Strategy.WEIGHTED, {"a": 64, "b": 64, "c": 64}),
    ],
)
async def test_turns_are_exact_for_requests_at_once(
    behind: Behind,
    strategy: Strategy,
    expected: dict[str, int],
) -> None:
    async with behind("a", "b", "c", strategy=strategy) as pool:
        for _ in range(3):
            statuses = await asyncio.gather(*(pool.ask(stream=n % 2 == 0) for n in range(64)))
            assert set(statuses) == {200}
        assert Counter(pool.stand_in.asked) == expected


async def test_sticky_routing_keeps_a_growing_conversation_on_one_credential(
    behind: Behind,
) -> None:
    async with behind("a", "b", "c", "d", "e", strategy=Strategy.STICKY) as pool:
        messages: list[dict[str, str]] = []
        for turn in range(50):
            messages.append({"role": "user", "content": f"Turn {turn}: ü"})
            assert await pool.ask(messages=messages, prompt_cache_key="conversation 1") == 200
        assert len(set(pool.stand_in.asked)) == 1
        bodies = [json.dumps(it.json["messages"])[:-1] for it in pool.stand_in.requests]
        assert all(after.startswith(before) for before, after in itertools.pairwise(bodies))
        for number in range(40):
            await pool.ask(user=f"user {number}")
        assert set(pool.stand_in.asked) == {"a", "b", "c", "d", "e"}


async def test_a_client_that_disconnects_leaves_no_trace_on_the_credential(behind: Behind) -> None:
    async with behind("a", "b", a="silent", first_byte_ms=500) as pool:
        asking = asyncio.create_task(pool.ask())
        await until(lambda: pool.stand_in.asked)
        asking.cancel()
        await asyncio.wait({asking})
        states = pool.gateway.container.credential_pools()
        (found,) = [credentials for _, credentials in states.current()]
        member = found.find("a")
        assert member is not None
        assert member.state.failures == 0
