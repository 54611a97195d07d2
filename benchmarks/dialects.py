"""The time to the first text of Claude Code in each dialect.

    .venv/bin/python -m benchmarks.dialects --rounds 15

Each dialect has a session with a live process. Each round asks the next turn of all of them, in
another order. The figures are medians against a simulated model, and medians of the ratios to chat
completions in the same round.
"""

import argparse
import asyncio
import statistics
import time
from dataclasses import dataclass

import aiohttp
import uvloop

from benchmarks.histories import CALM, run

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
    url = url.removesuffix(CHAT)
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


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(parser.parse_args().rounds, compare))


if __name__ == "__main__":
    main()
