"""Measures the time to handle a disconnect: `python -m benchmarks.disconnects [--rounds N]`.

Clients close their connection in every phase of a request. With the real CLI, a disconnect counts
as handled once no slot is in use or awaited. The request to the model must have ended, too. In
passthrough, it counts as handled once the upstream's connection is closed. Figures are in
milliseconds; `/health` is polled every 3 ms, and the upstream, which is in this process, four times
in a millisecond. `--passthrough` needs no CLI.
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
from modegate.simulator.loopback_server import Handler, Reply, Request
from modegate.simulator.provider import SimulatedProvider

CLAUDE = {"X-Claude-Code": "true"}
Condition = Callable[[], Awaitable[bool]]
WORDS = " ".join(["word"] * 400)
# Seconds; the longest of the last two is the error of a figure.
PATIENCE, LOOK_EVERY, LOOK_UPSTREAM_EVERY = 30.0, 0.003, 0.00025


async def silent(_: Request, reply: Reply) -> None:
    """Simulates a model that does not answer before the client disconnects."""
    await reply.sleep(PATIENCE)


async def half(_: Request, reply: Reply) -> None:
    """Sends half of an answer, and waits for the disconnect."""
    await reply.raw(b"HTTP/1.1 200 OK\r\ncontent-length: 2000\r\n\r\n" + bytes(1000))
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
        await self.passthrough()
        for stream, phase in ((True, "before the first token"), (False, "no stream")):
            async with self._silently(CLAUDE, stream=stream):
                pass
            await self._note(f"Claude Code, {phase}", self._over)
        await self._leave_midway(CLAUDE)
        await self._note("Claude Code, streaming", self._over)
        async with self._silently(CLAUDE, stream=True):
            async with self._asking(CLAUDE, stream=True):
                await self._until(lambda: self._queued(1))
            await self._note("Claude Code, queued", lambda: self._queued(0))
        await self._until(self._over)

    async def passthrough(self) -> None:
        """Runs every phase of passthrough once."""
        for answer, stream, phase in (
            (silent, True, "before the first token"),
            (silent, False, "no stream"),
            (half, False, "half of an answer"),
        ):
            async with self._silently({}, stream=stream, answer=answer):
                pass
            await self._note(f"passthrough, {phase}", self._closed, LOOK_UPSTREAM_EVERY)
        await self._leave_midway({})
        await self._note("passthrough, streaming", self._closed, LOOK_UPSTREAM_EVERY)

    @asynccontextmanager
    async def _silently(
        self, headers: dict[str, str], *, stream: bool, answer: Handler = silent
    ) -> AsyncIterator[None]:
        """Sends a request to a silent model; disconnects when the context is left."""
        self._provider.script(answer)
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

    async def _note(self, what: str, noticed: Condition, every: float = LOOK_EVERY) -> None:
        begun = time.perf_counter()
        await self._until(noticed, every)
        self.taken[what].append((time.perf_counter() - begun) * 1000)
        await self._until(self._over)

    async def _until(self, condition: Condition, every: float = LOOK_EVERY) -> None:
        while not await condition():  # noqa: ASYNC110 - the gateway is another process
            await asyncio.sleep(every)

    async def _closed(self) -> bool:
        return not self._provider.under_way

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
            lines.append(f"| {what} | {statistics.median(taken):.1f} | {max(taken):.1f} |")
        return "\n".join(lines)


async def run(rounds: int, *, only_passthrough: bool) -> None:
    """Runs all phases in each process mode."""
    provider = SimulatedProvider()
    async with provider.running() as url, aiohttp.ClientSession() as http:
        for mode in ("live",) if only_passthrough else ("live", "oneshot"):
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
                    await (phases.passthrough() if only_passthrough else phases.round())
                print(f"CLAUDE_PROCESS_MODE={mode}\n\n{phases.table()}\n")


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--passthrough", action="store_true", help="only passthrough")
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(options.rounds, only_passthrough=options.passthrough))


if __name__ == "__main__":
    main()
