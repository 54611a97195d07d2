"""How long Claude Code takes to its first word: `python -m benchmarks.claude_code [--rounds N]`.

By hand means `claude -p` started for the question; through modegate, the same question as a
streamed request. Both ask the real CLI, which asks a simulated model without delay. Each round asks
both in turn; the figures are medians over the rounds, in milliseconds.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import aiohttp
import uvloop

from benchmarks.servers import started
from modegate.adapters.claude_cli.executable import find_executable
from modegate.testing.provider import StandInProvider

QUESTION = "What is a gateway?"
BY_HAND = [
    "-p",
    "--model",
    "sonnet",
    "--output-format",
    "stream-json",
    "--include-partial-messages",
    "--verbose",
]
AT_ONCE = 4


class ByHand:
    """`claude -p`, with the question on standard input."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._executable = find_executable(None, environment["PATH"]) or "claude"
        self._environment = environment
        self._folder = folder

    async def __call__(self, *arguments: str) -> float:
        """Seconds from the start of the process to its first piece of text."""
        begun = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            self._executable,
            *BY_HAND,
            *arguments,
            env=self._environment,
            cwd=self._folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=10 * 1024 * 1024,
        )
        first = 0.0
        assert process.stdin  # noqa: S101
        assert process.stdout  # noqa: S101
        process.stdin.write(QUESTION.encode())
        process.stdin.write_eof()
        async for line in process.stdout:
            if not first and b'"text_delta"' in line:
                first = time.perf_counter() - begun
        if await process.wait() or not first:
            raise SystemExit("claude did not answer")
        return first


class Through:
    """A gateway; `session` is the one of the last answer."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http
        self.session = ""

    async def __call__(self, session: str = "") -> float:
        """Seconds from the request to its first piece of text."""
        headers = {"X-Claude-Code": "true"} | ({"X-Claude-Session-ID": session} if session else {})
        body = {
            "model": "sonnet",
            "stream": True,
            "messages": [{"role": "user", "content": QUESTION}],
        }
        begun = time.perf_counter()
        first = 0.0
        async with self._http.post(self._url, json=body, headers=headers) as response:
            if response.status != 200:  # noqa: PLR2004
                raise SystemExit(f"the gateway answered {response.status}")
            self.session = response.headers["X-Claude-Session-ID"]
            async for line in response.content:
                if not first and line.startswith(b"data: {") and _text(line):
                    first = time.perf_counter() - begun
        return first


def _text(line: bytes) -> str:
    choices = json.loads(line[6:])["choices"]
    return str(choices[0]["delta"].get("content") or "") if choices else ""


async def at_once(ask: Callable[[], Awaitable[float]]) -> float:
    """The median of some questions that are asked together."""
    return statistics.median(await asyncio.gather(*(ask() for _ in range(AT_ONCE))))


async def compare(by_hand: ByHand, through: Through, rounds: int) -> None:
    """Ask in turn, and print a table."""
    known = str(uuid.uuid4())
    await by_hand("--session-id", known)
    await through()
    session = through.session
    asks: dict[tuple[str, str], Callable[[], Awaitable[float]]] = {
        ("a new session", "by hand"): by_hand,
        ("a new session", "modegate"): through,
        ("a later turn", "by hand"): lambda: by_hand("--resume", known),
        ("a later turn", "modegate"): lambda: through(session),
        (f"{AT_ONCE} new sessions at once", "by hand"): lambda: at_once(by_hand),
        (f"{AT_ONCE} new sessions at once", "modegate"): lambda: at_once(through),
    }
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name, ask in asks.items():
            taken[name].append(await ask())
    print("| first text, ms | by hand | modegate | modegate : by hand |\n|---|---|---|---|")
    for what in dict.fromkeys(what for what, _ in asks):
        hand, ours = (statistics.median(taken[what, who]) for who in ("by hand", "modegate"))
        print(f"| {what} | {hand * 1000:.0f} | {ours * 1000:.0f} | {ours / hand:.2f} |")


async def run(rounds: int) -> None:
    """Start the simulated model and the gateway, and compare."""
    provider = StandInProvider()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        async with provider.running() as url, aiohttp.ClientSession() as http:
            environment = {
                "ANTHROPIC_API_KEY": "sk-ant-benchmark",
                "ANTHROPIC_BASE_URL": url,
                "HOME": str(home),
                "MODEGATE_STATE_DIR": str(home / "state"),
                "RATE_LIMIT_PER_IP": "1000000",
                "RATE_LIMIT_PER_SESSION": "1000000",
            }
            gateway = await asyncio.to_thread(
                stack.enter_context,
                started("modegate", ["modegate", "serve"], core=None, environment=environment),
            )
            await compare(
                ByHand(environment | {"PATH": "/usr/bin:/bin"}, home),
                Through(gateway.url, http),
                rounds,
            )


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
