"""The load balancers of docs/fleet.md in front of three gateways."""

import asyncio
import re
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.balancers import FOLDER, KINDS, Balancer, balancer
from support.fleet import Member, fleet
from support.waiting import until

from modegate.simulator.loopback_server import LoopbackServer, Reply, Request

CHAT = "/v1/chat/completions"
HANGS = "hangs"
SESSIONS = [f"6d2a3c1e-0000-4000-8000-0000000000{number:02}" for number in range(12)]
WHOLE = b"""{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,
"finish_reason":"stop","message":{"role":"assistant","content":"Hi"}}]}"""
each_balancer = pytest.mark.parametrize("name", KINDS)
# Traefik hashes only the client's address.
HASHING = sorted(KINDS.keys() - {"traefik"})


@dataclass(frozen=True)
class Site:
    """Three gateways, their upstream, and the load balancers in front of them."""

    members: list[Member]
    upstream: LoopbackServer
    balancers: dict[str, Balancer]
    go_on: asyncio.Event
    clients: dict[str, httpx2.AsyncClient]

    async def chat(self, name: str, text: str, **headers: str) -> httpx2.Response:
        """Asks through a load balancer."""
        body = {"model": "m", "messages": [{"role": "user", "content": text}]}
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return await self.clients[name].post(CHAT, json=body, headers=named)

    def asked(self, text: str) -> list[int]:
        """Returns the number of the gateway of each request with this text, at the upstream."""
        return [
            int(it.headers["authorization"][-1])
            for it in self.upstream.requests
            if text in str(it.json)
        ]


@pytest.fixture(scope="module")
def anyio_backend() -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": True}


async def _upstream(request: Request, reply: Reply, go_on: asyncio.Event) -> None:
    if HANGS in str(request.json):
        await reply.gone.wait()
    elif request.json.get("stream"):
        await reply.begin({"content-type": "text/event-stream"})
        await reply.chunk(b'data: {"word": "one"}\n\n')
        await go_on.wait()
        await reply.chunk(b'data: {"word": "two"}\n\ndata: [DONE]\n\n')
        await reply.end()
    else:
        await reply.whole(200, WHOLE, {"content-type": "application/json"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fleet")


@pytest.fixture(scope="module")
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture(scope="module")
async def site(folder: Path, opened: ExitStack) -> AsyncIterator[Site]:
    go_on = asyncio.Event()
    upstream = LoopbackServer(lambda request, reply: _upstream(request, reply, go_on))
    async with upstream.running() as url:
        settings = {
            "OPENAI_BASE_URL": f"{url}/v1",
            "OPENAI_API_KEY": "sk-{number}",
            "UPSTREAM_MAX_RETRIES": "0",
        }
        members = opened.enter_context(fleet(folder, 3, settings))
        yield Site(members, upstream, {}, go_on, {})


@pytest.fixture(scope="module")
async def connected(site: Site) -> AsyncIterator[Site]:
    yield site
    for client in site.clients.values():
        await client.aclose()


@pytest.fixture
async def running(connected: Site, opened: ExitStack, folder: Path, name: str) -> Site:
    """The site with this balancer, after its first checks of health."""
    site = connected
    if name not in site.balancers:
        addresses = [member.address for member in site.members]
        site.balancers[name] = opened.enter_context(balancer(name, folder / name, addresses))
        site.clients[name] = client_of(site.balancers[name])
    await all_used(site, name)
    return site


def client_of(balancer: Balancer) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=balancer.url, timeout=60, trust_env=False)


async def all_used(site: Site, name: str) -> None:
    """Waits until the balancer uses each gateway."""
    text = f"first of {name}"
    before = len(site.asked(text))
    async with asyncio.timeout(60):
        while len({*site.asked(text)[before:]}) < len(site.members):
            if (await site.chat(name, text)).status_code != 200:
                await asyncio.sleep(0.05)


async def streamed(pieces: AsyncIterator[bytes], word: bytes) -> bytes:
    seen = b""
    while word not in seen:
        seen += await anext(pieces)
    return seen


@each_balancer
async def test_a_balancer_relays_a_stream_without_buffering(name: str, running: Site) -> None:
    running.go_on.clear()
    body: dict[str, Any] = {"model": "m", "messages": [], "stream": True}
    body["messages"] = [{"role": "user", "content": "Hi"}]
    async with running.clients[name].stream("POST", CHAT, json=body) as response:
        pieces = response.aiter_raw()
        await streamed(pieces, b"one")
        running.go_on.set()
        await streamed(pieces, b"[DONE]")


@each_balancer
async def test_a_killed_gateway_costs_only_the_requests_that_it_had_begun(
    name: str, running: Site
) -> None:
    begun, text = f"{HANGS}, by {name}", f"while one is dead, by {name}"
    used = False
    asking = asyncio.create_task(running.chat(name, begun))
    await until(lambda: running.asked(begun))
    (number,) = running.asked(begun)
    answered = 0
    try:
        running.members[number - 1].kill()
        with suppress(httpx2.TransportError):
            assert (await asking).status_code in {502, 503}
        async with asyncio.timeout(60):
            failed = True
            # Requests fail on connections of which the balancer knows no end yet, and on a busy
            # machine it may find a living gateway too slow for a while.
            while failed or not used:
                answers = await asyncio.gather(*(running.chat(name, text) for _ in range(12)))
                failed = any(answer.status_code != 200 for answer in answers)
                answered += sum(answer.status_code == 200 for answer in answers)
                used = len({*running.asked(text)}) > 1
    finally:
        await asyncio.to_thread(running.members[number - 1].start)
    assert running.asked(begun) == [number], "the turn was repeated"
    assert len(running.asked(text)) == answered
    assert {*running.asked(text)} == {1, 2, 3} - {number}
    await all_used(running, name)


@pytest.mark.parametrize("name", HASHING)
async def test_the_turns_of_a_session_go_to_one_gateway(name: str, running: Site) -> None:
    await all_used(running, name)  # a gateway that comes back would get some of the sessions
    for number, session in enumerate(SESSIONS):
        text = f"turn of {number}, by {name}"
        headers = {"X_Claude_Session_ID": session, "X_Claude_Code": "false"}
        for _ in range(3):
            assert (await running.chat(name, text, **headers)).status_code == 200
        assert len({*running.asked(text)}) == 1
    assert len({*running.asked(f", by {name}")}) > 1


@pytest.mark.parametrize("name", ["nginx"])
async def test_a_gateway_marked_as_down_in_nginx_can_be_restarted(name: str, running: Site) -> None:
    nginx, member = running.balancers[name], running.members[1]
    text = nginx.file.read_text()
    marked = text.replace(f"server {member.address} ", f"server {member.address} down ")
    assert marked.count(" down ") == 2
    await reload(running, nginx, marked)
    asked = f"before the restart, by {name}"
    answers = await asyncio.gather(*(running.chat(name, asked) for _ in range(12)))
    assert [answer.status_code for answer in answers] == [200] * 12
    assert {*running.asked(asked)} == {1, 3}
    asked = f"during the restart, by {name}"
    restarting = asyncio.create_task(asyncio.to_thread(restart, member))
    while not restarting.done():
        assert (await running.chat(name, asked)).status_code == 200
    await restarting
    assert {*running.asked(asked)} == {1, 3}
    await reload(running, nginx, text)
    await all_used(running, name)


def workers(nginx: Balancer) -> set[str]:
    """The pids of the worker processes."""
    pid = nginx.process.pid
    return {*Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


async def reload(site: Site, nginx: Balancer, text: str) -> None:
    """Reloads the file; returns once no worker of before and no connection to one is left."""
    old = workers(nginx)
    nginx.file.write_text(text)
    nginx.process.send_signal(signal.SIGHUP)
    await until(lambda: workers(nginx).isdisjoint(old), 60)
    await site.clients[nginx.name].aclose()
    site.clients[nginx.name] = client_of(nginx)


def restart(member: Member) -> None:
    member.stop()
    member.start()


def test_the_files_name_the_same_gateways_and_intervals() -> None:
    for kind in KINDS.values():
        text = (FOLDER / kind.file).read_text()
        assert {*re.findall(r"gateway-\d", text)} == {"gateway-1", "gateway-2", "gateway-3"}
        if kind.program != "nginx":
            assert "/health" in text
            assert re.search(r"inter(val:)? [13]s", text)
