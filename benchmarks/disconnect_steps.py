"""Counts the steps to a disconnect in passthrough: `python -m benchmarks.disconnect_steps`.

Client, gateway and upstream share one event loop that never sleeps. What counts are its iterations
from the client's close until the upstream's connection is closed. They do not depend on other load,
and would be thousands if anything waited for a timer. Milliseconds are printed, too.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop
from pydantic import SecretStr

from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.bootstrap.http import build_app, build_server
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.http.server.listener import listen
from modegate.simulator.loopback_server import LoopbackServer, Reply, Request

BEFORE_HEAD, BEFORE_STREAM, HALF, STREAM = PHASES = (
    "before the answer",
    "before the first token",
    "half of an answer",
    "streaming",
)
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
HALF_ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n" + bytes(1000)


class Steps:
    """Disconnects, and counts the iterations of the event loop until the upstream notices."""

    def __init__(self) -> None:
        self.upstream = LoopbackServer(self._answer)
        self._arrived = asyncio.Event()
        self._gone = asyncio.Event()
        self._iterations = 0
        self._noticed = (0, 0.0)

    async def _answer(self, request: Request, reply: Reply) -> None:
        phase = request.json["user"]
        if phase == HALF:
            await reply.raw(HALF_ANSWER)
        elif phase == STREAM:
            await reply.begin({"content-type": "text/event-stream"})
            await reply.chunk(EVENT)
        self._arrived.set()
        await reply.gone.wait()
        self._noticed = (self._iterations, time.perf_counter())
        self._gone.set()

    async def measure(self, port: int, phase: str) -> tuple[int, float]:
        """Returns the iterations and the milliseconds that one disconnect takes."""
        self._arrived.clear()
        self._gone.clear()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(encoded(phase))
        await self._arrived.wait()
        if phase == STREAM:
            await reader.readuntil(EVENT)
        counting = asyncio.create_task(self._count())
        await asyncio.sleep(0.002)  # whatever the request still does
        begun = (self._iterations, time.perf_counter())
        writer.close()
        await self._gone.wait()
        counting.cancel()
        return self._noticed[0] - begun[0], (self._noticed[1] - begun[1]) * 1000

    async def _count(self) -> None:
        while True:
            self._iterations += 1
            await asyncio.sleep(0)


def encoded(phase: str) -> bytes:
    """Returns a request that tells the upstream where to wait."""
    streams = phase in (BEFORE_STREAM, STREAM)
    messages = [{"role": "user", "content": "Hi"}]
    body = json.dumps({"model": "m", "user": phase, "stream": streams, "messages": messages})
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n"
    )
    return f"{head}content-length: {len(body)}\r\n\r\n{body}".encode()


@asynccontextmanager
async def gateway(state: Path, url: str) -> AsyncIterator[int]:
    """Runs a gateway in this event loop, and yields its port."""
    settings = Settings(
        openai_api_key=SecretStr("sk-benchmark"),
        openai_base_url=f"{url}/v1",
        modegate_state_dir=state,
        rate_limit_per_ip=1_000_000,
        claude_warm_processes=0,
    )
    container = Container(settings=settings)
    server = build_server(build_app(container), container, heeds_signals=False)
    listener = listen("127.0.0.1", 0)
    serving = asyncio.create_task(server.serve([listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


async def run(rounds: int) -> None:
    """Prints a table of all phases."""
    steps = Steps()
    print("| phase | iterations: median, most | ms: median, longest |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as state:
        async with steps.upstream.running() as url, gateway(Path(state), url) as port:
            for phase in PHASES:
                measured = [await steps.measure(port, phase) for _ in range(rounds)]
                counts, times = zip(*measured, strict=True)
                print(
                    f"| {phase} | {statistics.median(counts):.0f}, {max(counts)} "
                    f"| {statistics.median(times):.1f}, {max(times):.1f} |"
                )


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
