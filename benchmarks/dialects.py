"""The time to the first text of Claude Code in each dialect.

    .venv/bin/python -m benchmarks.dialects --rounds 15

Each dialect has a session with a live process. Each round asks the next turn of all of them, in
another order. The figures are medians against a simulated model, and medians of the ratios to chat
completions in the same round.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import uvloop

from benchmarks.servers import started
from modegate.simulator.provider import SimulatedProvider

# Seconds for a process to become idle after an answer.
CALM = 0.3
CHAT = "/v1/chat/completions"


@dataclass
class Conversation:
    """A session in one dialect; `mark` is in the lines that have a piece of text."""

    path: str
    said: str
    mark: bytes
    session: str = ""

    async def ask(self, http: aiohttp.ClientSession, url: str, text: str) -> float:
        """Asks the next turn; returns the milliseconds to its first text."""
        headers = {"X-Claude-Code": "true"}
        if self.session:
            headers["X-Claude-Session-ID"] = self.session
        message = {"role": "user", "content": text}
        body = {"model": "sonnet", "stream": True, "max_tokens": 1000, self.said: [message]}
        begun, first = time.perf_counter(), 0.0
        async with http.post(url + self.path, json=body, headers=headers) as response:
            response.raise_for_status()
            self.session = response.headers["X-Claude-Session-ID"]
            async for line in response.content:
                if not first and self.mark in line:
                    first = (time.perf_counter() - begun) * 1000
        if not first:
            raise SystemExit(f"{self.path} has sent no text")
        return first


async def compare(http: aiohttp.ClientSession, url: str, rounds: int) -> None:
    """Runs the rounds and prints the medians."""
    dialects = [
        Conversation(CHAT, "messages", b'"content":"'),
        Conversation("/v1/messages", "messages", b'"text_delta"'),
        Conversation("/v1/responses", "input", b'"response.output_text.delta"'),
    ]
    for it in dialects:
        await it.ask(http, url, "The first turn")
    taken: list[list[float]] = [[] for _ in dialects]
    for number in range(rounds):
        for place in range(len(dialects)):
            at = (place + number) % len(dialects)
            await asyncio.sleep(CALM)
            taken[at].append(await dialects[at].ask(http, url, f"Question {number}"))
    for it, times in zip(dialects, taken, strict=True):
        ratio = statistics.median(b / a for a, b in zip(taken[0], times, strict=True))
        print(f"{it.path:22} {statistics.median(times):6.1f} ms, {ratio:.2f} of chat completions")


async def run(rounds: int) -> None:
    """Starts the simulated model and the gateway, and compares."""
    provider = SimulatedProvider()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        async with provider.running() as url, aiohttp.ClientSession() as http:
            environment = {
                "ANTHROPIC_API_KEY": "sk-ant-benchmark",
                "ANTHROPIC_BASE_URL": url,
                "CLAUDE_WARM_PROCESSES": "0",
                "HOME": str(home),
                "MODEGATE_STATE_DIR": str(home / "state"),
                "RATE_LIMIT_PER_IP": "1000000",
                "RATE_LIMIT_PER_SESSION": "1000000",
            }
            gateway = await asyncio.to_thread(
                stack.enter_context,
                started("modegate", ["modegate", "serve"], core=None, environment=environment),
            )
            await compare(http, gateway.url.removesuffix(CHAT), rounds)


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
