"""Many relayed requests, of which a tenth is cancelled: nothing is left behind.

`MODEGATE_ENDURANCE_REQUESTS=200000` sends that many, which takes nine minutes on a busy machine.
"""

import asyncio
import gc
import json
import logging
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.gateway import Gateway, GatewayFactory
from support.waiting import requests_under_way, until

from modegate.simulator.loopback_server import LoopbackServer, Reply, Request

REQUESTS = int(os.environ.get("MODEGATE_ENDURANCE_REQUESTS", "30000"))
WARM_UP = 2_000
AT_ONCE = 16
CANCELLED = 0.1
# What the allocator may retain, however many requests were sent; 200,000 took 2 MiB.
MEMORY_MIB = 24
JSON, STREAM = {"content-type": "application/json"}, {"content-type": "text/event-stream"}
# What the upstream does with a request that will be cancelled.
SILENT, HALF, OPEN = "silent", "half", "open"
LEAVING = ("unfinished", "at once", SILENT, HALF, OPEN)


async def answer(request: Request, reply: Reply) -> None:
    """Answers with the request's own text; one that will be cancelled is left unfinished."""
    upstream.requests.clear()
    text = str(request.json["user"])
    what = text.partition(" ")[0]
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
    }
    body = json.dumps({"object": "chat.completion", "choices": [choice]}).encode()
    if request.json.get("stream"):
        await reply.begin(STREAM)
        delta = {"choices": [{"index": 0, "delta": {"content": text}}]}
        for _ in range(3):
            await reply.chunk(b"data: %b\n\n" % json.dumps(delta).encode())
        if what == OPEN:
            await reply.gone.wait()
        else:
            await reply.chunk(b"data: [DONE]\n\n")
            await reply.end()
    elif what == SILENT:
        waiting.add(text)
        await reply.gone.wait()
    elif what == HALF:
        await reply.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n%b" % body)
        waiting.add(text)
        await reply.gone.wait()
    else:
        await reply.whole(200, body, JSON)


upstream = LoopbackServer(answer)
waiting: set[str] = set()  # texts of requests that wait for the client to disconnect


class Clients:
    """Clients with a connection each, which they close in the middle of some requests."""

    def __init__(self, gateway: Gateway) -> None:
        host, _, self._port = gateway.url.removeprefix("http://").partition(":")
        self._host = host
        self._random = random.Random(5)  # noqa: S311 - not for cryptography
        self._left = 0
        self.outcomes: Counter[str] = Counter()

    async def send(self, requests: int) -> None:
        """Sends so many requests, `AT_ONCE` at a time."""
        self._left = requests
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._client())

    async def _client(self) -> None:
        while self._left > 0:
            reader, writer = await asyncio.open_connection(self._host, int(self._port))
            try:
                while self._left > 0 and await self._ask(reader, writer):
                    pass
            finally:
                if self._random.random() < 0.5:
                    writer.close()
                else:
                    writer.transport.abort()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Sends one request; returns whether the connection can be used again."""
        self._left -= 1
        cancelled = self._random.random() < CANCELLED
        what = self._random.choice(LEAVING) if cancelled else "complete"
        streams = what == OPEN or (what not in (SILENT, HALF) and self._random.random() < 0.2)
        text = f"{what} {self._left}"
        request = encoded(text, streams=streams)
        self.outcomes[what] += 1
        if what == "unfinished":
            writer.write(request[: self._random.randrange(1, len(request))])
            return False
        writer.write(request)
        if what == "complete":
            received = await (read_stream(reader) if streams else read_whole(reader))
            # The answer is that of this request, and of no other.
            assert received.count(text.encode()) == (3 if streams else 1), (text, received)
            return True
        if what == OPEN:
            await reader.readuntil(text.encode())
        elif what in (SILENT, HALF):
            await until(lambda: text in waiting)
            waiting.remove(text)
        for _ in range(self._random.randrange(8)):
            await asyncio.sleep(0)
        return False


def encoded(text: str, *, streams: bool) -> bytes:
    """Returns a request whose answer repeats `text`."""
    messages = [{"role": "user", "content": "Hi"}]
    wanted = {"model": "m", "user": text, "stream": streams, "messages": messages}
    body = json.dumps(wanted).encode()
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(body), body)
    )


async def read_whole(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    assert head.startswith(b"http/1.1 200 "), head
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return await reader.readexactly(int(length))


async def read_stream(reader: asyncio.StreamReader) -> bytes:
    received = await reader.readuntil(b"0\r\n\r\n")
    assert received.startswith(b"HTTP/1.1 200 "), received
    return received


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def resident_mib() -> float:
    """Returns the resident memory of this process: the gateway, its clients and the upstream."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 1024**2


async def figures(baseline: int = 0) -> tuple[int, int, float]:
    """Returns descriptors, tasks and memory when all requests have ended."""
    await until(lambda: not (requests_under_way() or upstream.under_way))
    # The pool keeps idle connections to the upstream, of which both ends are in this process.
    await until(lambda: not baseline or descriptors() <= baseline + 2 * AT_ONCE)
    gc.collect()
    return descriptors(), len(asyncio.all_tasks()), resident_mib()


@pytest.mark.exhaustive
@pytest.mark.timeout(0)
async def test_many_requests_of_which_a_tenth_is_cancelled_leave_nothing_behind(
    gateway: GatewayFactory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "modegate")  # pytest would keep a record of each request
    async with (
        upstream.running() as url,
        gateway(openai_api_key="sk-server", openai_base_url=f"{url}/v1") as running,
    ):
        clients = Clients(running)
        await clients.send(WARM_UP)
        before = await figures()
        await clients.send(REQUESTS)
        after = await figures(before[0])
        permits: Any = running.container.admission_limiter()
        print(f"{dict(clients.outcomes)}\ndescriptors, tasks, MiB: {before} before, {after} after")
        assert set(clients.outcomes) == {"complete", *LEAVING}
        assert after[1] <= before[1] + 2 * AT_ONCE  # the upstream has a task for each connection
        assert after[2] < before[2] + MEMORY_MIB
        assert not permits.taken
