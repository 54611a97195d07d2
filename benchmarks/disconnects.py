"""Measures the time to handle a disconnect: `python -m benchmarks.disconnects [--rounds N]`.

Clients close their connection in every phase of a request. With the real CLI, a disconnect counts
as handled once no slot is in use or awaited. The request to the model must have ended, too;
`/health` is polled every 3 ms. In passthrough, it counts as handled once the upstream's connection
is closed; see `passthrough_disconnects`. Figures are in milliseconds. `--passthrough` needs no CLI.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager

import aiohttp
import uvloop

from benchmarks import passthrough_disconnects
from benchmarks.servers import Server, started
from modegate.simulator.api import Says
from modegate.simulator.loopback_server import Reply, Request
from modegate.simulator.provider import SimulatedProvider

CLAUDE = {"X-Claude-Code": "true"}
Condition = Callable[[], Awaitable[bool]]
WORDS = " ".join(["word"] * 400)
# Seconds; the last one is the error of a figure.
PATIENCE, LOOK_EVERY = 30.0, 0.003
# A round of passthrough takes tens of milliseconds, one of Claude Code seconds.
PASSTHROUGH_ROUNDS = 10


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
        for stream, phase in ((True, "before the first token"), (False, "no stream")):
            async with self._silently(stream=stream):
                pass
            await self._note(f"Claude Code, {phase}", self._over)
        await self._leave_midway()
        await self._note("Claude Code, streaming", self._over)
        async with self._silently(stream=True):
            async with self._asking(stream=True):
                await self._until(lambda: self._queued(1))
            await self._note("Claude Code, queued", lambda: self._queued(0))
        await self._until(self._over)

    @asynccontextmanager
    async def _silently(self, *, stream: bool) -> AsyncIterator[None]:
        """Sends a request to a silent model; disconnects when the context is left."""
        self._provider.script(silent)
        async with self._asking(stream=stream):
            await self._until(self._under_way)
            yield

    async def _leave_midway(self) -> None:
        self._provider.script(Says(WORDS, 0.02))
        async with self._post(stream=True) as response:
            async for line in response.content:
                if b"word" in line:
                    response.close()
                    return

    @asynccontextmanager
    async def _asking(self, *, stream: bool) -> AsyncIterator[None]:
        async def ask() -> None:
            async with self._post(stream=stream) as response:
                await response.read()

        asking = asyncio.create_task(ask())
        try:
            yield
        finally:
            asking.cancel()
            await asyncio.wait({asking})

    @asynccontextmanager
    async def _post(self, *, stream: bool) -> AsyncIterator[aiohttp.ClientResponse]:
        body = {
            "model": "sonnet",
            "stream": stream,
            "messages": [{"role": "user", "content": "What is a gateway?"}],
        }
        async with self._http.post(self._url, json=body, headers=CLAUDE) as response:
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
            lines.append(f"| {what} | {statistics.median(taken):.1f} | {max(taken):.1f} |")
        return "\n".join(lines)


async def run(rounds: int) -> None:
    """Runs all phases of Claude Code in each process mode."""
    provider = SimulatedProvider()
    async with provider.running() as url, aiohttp.ClientSession() as http:
        for mode in ("live", "oneshot"):
            environment = {
                "ANTHROPIC_API_KEY": "sk-ant-benchmark",
                "ANTHROPIC_BASE_URL": url,
                "CLAUDE_PROCESS_MODE": mode,
                "MAX_CONCURRENT_PROCESSES": "1",
            }
            with ExitStack() as stack:
                server = await asyncio.to_thread(stack.enter_context, gateway(environment))
                phases = Phases(server.url, http, provider)
                for _ in range(rounds):
                    await phases.round()
                print(f"CLAUDE_PROCESS_MODE={mode}\n\n{phases.table()}\n")


def run_passthrough(rounds: int) -> None:
    """Runs all phases of passthrough."""
    with passthrough_disconnects.upstream() as listener:
        port = listener.getsockname()[1]
        environment = {
            "OPENAI_API_KEY": "sk-benchmark",
            "OPENAI_BASE_URL": f"http://127.0.0.1:{port}/v1",
        }
        with gateway(environment) as server:
            table = passthrough_disconnects.table(server, listener, rounds)
            print(f"Passthrough\n\n{table}\n")


@contextmanager
def gateway(environment: Mapping[str, str]) -> Iterator[Server]:
    """Runs a gateway with an empty state directory."""
    with tempfile.TemporaryDirectory() as home:
        own = {
            "HOME": home,
            "MODEGATE_STATE_DIR": f"{home}/state",
            "RATE_LIMIT_PER_IP": "1000000",
        }
        command = ["modegate", "serve"]
        with started("modegate", command, core=None, environment={**environment, **own}) as server:
            yield server


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--passthrough", action="store_true", help="only passthrough")
    options = parser.parse_args()
    run_passthrough(PASSTHROUGH_ROUNDS * options.rounds)
    if options.passthrough:
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(options.rounds))


if __name__ == "__main__":
    main()
