"""Turns that continue a session by its history, compared with the session's header.

    .venv/bin/python -m benchmarks.histories --rounds 9

Two sessions have histories of 40 messages, and a live process each. Each round asks the next turn of
both, one with the header and one without, and begins a new session from another history.
The figures are medians of the time to the first text, against a simulated model.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import uvloop

from benchmarks.servers import started
from modegate.simulator.provider import SimulatedProvider

TURNS = 20
# Gets the address of chat completions, and the number of rounds.
Comparing = Callable[[aiohttp.ClientSession, str, int], Awaitable[None]]
# Seconds for a process to become idle after an answer.
CALM = 0.3


@dataclass
class Conversation:
    """A conversation whose history the client keeps; `session` is that of the last answer."""

    http: aiohttp.ClientSession
    url: str
    with_header: bool
    messages: list[dict[str, str]] = field(default_factory=list)
    session: str = ""

    async def ask(self, text: str) -> float:
        """Sends the next turn with the whole history; returns the milliseconds to its first text."""
        self.messages.append({"role": "user", "content": text})
        headers = {"X-Claude-Code": "true"}
        if self.with_header and self.session:
            headers["X-Claude-Session-ID"] = self.session
        body = {"model": "sonnet", "stream": True, "messages": self.messages}
        begun, first, said = time.perf_counter(), 0.0, ""
        async with self.http.post(self.url, json=body, headers=headers) as response:
            response.raise_for_status()
            self.session = response.headers["X-Claude-Session-ID"]
            async for line in response.content:
                if line.startswith(b"data: {") and (piece := _text(line)):
                    first = first or (time.perf_counter() - begun) * 1000
                    said += piece
        self.messages.append({"role": "assistant", "content": said})
        return first


def _text(line: bytes) -> str:
    choices = json.loads(line[6:])["choices"]
    return str(choices[0]["delta"].get("content") or "") if choices else ""


async def compare(http: aiohttp.ClientSession, url: str, rounds: int) -> None:
    """Runs the rounds and prints the medians."""
    pair = [Conversation(http, url, with_header=it) for it in (True, False)]
    for number in range(TURNS):
        for conversation in pair:
            await conversation.ask(f"Question {number} of {conversation.with_header}")
    begun = [it.session for it in pair]
    taken: tuple[list[float], list[float], list[float]] = ([], [], [])
    for number in range(rounds):
        # The order alternates, so that neither profits from what the machine does.
        for place in (0, 1) if number % 2 else (1, 0):
            await asyncio.sleep(CALM)
            taken[place].append(await pair[place].ask(f"Further question {number}"))
        await asyncio.sleep(CALM)
        replayed = [dict(it, content=f"{number}: {it['content']}") for it in pair[0].messages]
        taken[2].append(
            await Conversation(http, url, with_header=False, messages=replayed).ask("And now?")
        )
    if [it.session for it in pair] != begun:
        raise SystemExit("a conversation went on in another session")
    header, history, replay = map(statistics.median, taken)
    ratio = statistics.median(b / a for a, b in zip(taken[0], taken[1], strict=True))
    print(f"with the header            {header:6.0f} ms")
    print(f"by the history             {history:6.0f} ms, {ratio:.2f} of it")
    print(f"new session from a history {replay:6.0f} ms")


async def run(rounds: int, comparing: Comparing = compare) -> None:
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
            await comparing(http, gateway.url, rounds)


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
