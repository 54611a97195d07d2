"""Measures the time to handle a disconnect: `python -m benchmarks.disconnects [--rounds N]`.

Clients close their connection in every phase of a request. With the real CLI, a disconnect counts
as handled once no slot is in use or awaited. The request to the model must have ended, too. In
passthrough, it counts as handled once the upstream's connection is closed. Figures are in
milliseconds; `/health` is polled every 3 ms.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
import uvloop

from benchmarks.servers import started
from modegate.simulator.api import Says
from modegate.simulator.loopback_server import Reply, Request
from modegate.simulator.provider import SimulatedProvider

CLAUDE = {"X-Claude-Code": "true"}
Condition = Callable[[], Awaitable[bool]]
WORDS = " ".join(["word"] * 400)
PATIENCE, LOOK_EVERY = 30.0, 0.003


async def silent(_: Request, reply: Reply) -> None:
    """Simulates a model that does not answer before the client disconnects."""
    await reply.sleep(PATIENCE)


class Phases:
    """Disconnects in each phase and records the time until that is handled."""

    def __init__(self, url: str, http: aiohttp.ClientSession, provider: SimulatedProvider) -> None:
        self._url = url
        self._http = http
        self._provider = provider
        self.taken: dict[str, list[float]] = defaultdict(list)

    async def round(self) -> None:
        """Runs every phase once."""
        for name, headers in (("Claude Code", CLAUDE), ("passthrough", {})):
            for stream, phase in ((True, "before the first token"), (False, "no stream")):
                async with self._silently(headers, stream=stream):
                    pass
                await self._note(f"{name}, {phase}", self._over)
            await self._leave_midway(headers)
            await self._note(f"{name}, streaming", self._over)
        async with self._silently(CLAUDE, stream=True):
            async with self._asking(CLAUDE, stream=True):
                await self._until(lambda: self._queued(1))
            await self._note("Claude Code, queued", lambda: self._queued(0))
        await self._until(self._over)

    @asynccontextmanager
    async def _silently(self, headers: dict[str, str], *, stream: bool) -> AsyncIterator[None]:
        """Sends a request to a silent model; disconnects when the context is left."""
        self._provider.script(silent)
        async with self._asking(headers, stream=stream):
            await self._until(self._under_way)
            yield

    async def _leave_midway(self, headers: dict[str, str]) -> None:
        self._provider.script(Says(WORDS, 0.02))
        async with self._post(headers, stream=True) as response:
            async for line in response.content:
                if b"word" in line:
                    response.close()
                    return

    @asynccontextmanager
    async def _asking(self, headers: dict[str, str], *, stream: bool) -> AsyncIterator[None]:
        async def ask() -> None:
            async with self._post(headers, stream=stream) as response:
                await response.read()

        asking = asyncio.create_task(ask())
        try:
            yield
        finally:
            asking.cancel()
            await asyncio.wait({asking})

    @asynccontextmanager
    async def _post(
        self, headers: dict[str, str], *, stream: bool
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        body = {
            "model": "sonnet" if headers else "gpt-5",
            "stream": stream,
            "messages": [{"role": "user", "content": "What is a gateway?"}],
        }
        async with self._http.post(self._url, json=body, headers=headers) as response:
            yield response

    async def _note(self, what: str, noticed: Condition) -> None:
        begun = time.perf_counter()
        await self._until(noticed)
        self.taken[what].append((time.perf_counter() - begun) * 1000)

    async def _until(self, condition: Condition) -> None:
        while not await condition():  # noqa: ASYNC110 - the gateway is another process
            await asyncio.sleep(LOOK_EVERY)

    async def _under_way(self) -> bool:
        return self._provider.under_way > 0

    async def _over(self) -> bool:
        return not self._provider.under_way and not (await self._capacity())["active"]

    async def _queued(self, number: int) -> bool:
        return (await self._capacity())["queued"] == number

    async def _capacity(self) -> dict[str, int]:
        async with self._http.get(self._url.replace("/v1/chat/completions", "/health")) as answer:
            capacity: dict[str, int] = (await answer.json())["checks"]["capacity"]
        return capacity

    def table(self) -> str:
        """Returns a table of the median and longest times."""
        lines = ["| phase of the disconnect | median ms | longest ms |", "|---|---|---|"]
        for what, taken in self.taken.items():
            lines.append(f"| {what} | {statistics.median(taken):.0f} | {max(taken):.0f} |")
        return "\n".join(lines)


async def run(rounds: int) -> None:
    """Runs all phases in each process mode."""
    provider = SimulatedProvider()
    async with provider.running() as url, aiohttp.ClientSession() as http:
        for mode in ("live", "oneshot"):
            with ExitStack() as stack:
                home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
                environment = {
                    "ANTHROPIC_API_KEY": "sk-ant-benchmark",
                    "ANTHROPIC_BASE_URL": url,
                    "CLAUDE_PROCESS_MODE": mode,
                    "HOME": str(home),
                    "MAX_CONCURRENT_PROCESSES": "1",
                    "MODEGATE_STATE_DIR": str(home / "state"),
                    "OPENAI_API_KEY": "sk-benchmark",
                    "OPENAI_BASE_URL": f"{url}/v1",
                    "RATE_LIMIT_PER_IP": "1000000",
                }
                gateway = await asyncio.to_thread(
                    stack.enter_context,
                    started("modegate", ["modegate", "serve"], core=None, environment=environment),
                )
                phases = Phases(gateway.url, http, provider)
                for _ in range(rounds):
                    await phases.round()
                print(f"CLAUDE_PROCESS_MODE={mode}\n\n{phases.table()}\n")


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
