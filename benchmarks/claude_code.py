"""Measures the time to the first text: `python -m benchmarks.claude_code [--rounds N]`.

Compares three uses of the real CLI with a simulated model without delay: `claude -p`, started for
each question; a prewarmed process driven directly; and a streamed request to modegate. Each round
runs all of them in turn. The figures are medians over the rounds, in milliseconds.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from pathlib import Path

import aiohttp
import uvloop

from benchmarks.servers import started
from modegate.adapters.claude_cli.command.executable import find_executable
from modegate.simulator.provider import SimulatedProvider

CHAT = "/v1/chat/completions"
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
WARM = 4
DEFAULT_WARM = 2
COLD, AHEAD, OURS = "`claude -p`", "prewarmed", "modegate"
NEW, LATER = "a new session", "a later turn"
FIRST = "the first turn after a start"
FOUR, BURST = f"{WARM} concurrent new sessions", f"{2 * WARM} concurrent, {WARM} prewarmed"
# Seconds that a started process needs to load.
LOADING = 2.0


class ByHand:
    """Runs `claude -p` with the question on standard input."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._executable = find_executable(None, environment["PATH"]) or "claude"
        self._environment = environment
        self._folder = folder

    async def __call__(self, *arguments: str) -> float:
        """Returns the seconds from the start of the process to its first text."""
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


class Ahead:
    """A prewarmed process, which receives its instructions and the question in one write."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._executable = find_executable(None, environment["PATH"]) or "claude"
        self._environment = environment
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None

    @classmethod
    async def ready(cls, environment: dict[str, str], folder: Path) -> "Ahead":
        """Starts a process and returns once it has loaded."""
        made = cls(environment, folder)
        made._process = await asyncio.create_subprocess_exec(
            made._executable,
            *BY_HAND,
            "--input-format=stream-json",
            "--tools=",
            "--setting-sources=",
            "--strict-mcp-config",
            "--bare",
            env=environment,
            cwd=folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=10 * 1024 * 1024,
        )
        await asyncio.sleep(LOADING)
        return made

    async def __call__(self, *, first: bool) -> float:
        """Returns the seconds from the question to the first text."""
        process = self._process
        assert process  # noqa: S101
        assert process.stdin  # noqa: S101
        assert process.stdout  # noqa: S101
        message = {"role": "user", "content": QUESTION}
        turn = {"type": "user", "message": message, "session_id": "default"}
        instructions = {"subtype": "initialize", "systemPrompt": ""}
        lines = [{"type": "control_request", "request_id": "1", "request": instructions}, turn]
        begun = time.perf_counter()
        said = lines if first else lines[1:]
        process.stdin.write(b"".join(json.dumps(line).encode() + b"\n" for line in said))
        heard = 0.0
        async for line in process.stdout:
            if not heard and b'"text_delta"' in line:
                heard = time.perf_counter() - begun
            if line.startswith(b'{"type":"result"') or b'"type":"result"' in line[:4000]:
                return heard
        raise SystemExit("claude did not answer")

    async def aclose(self) -> None:
        """Terminates the process."""
        if self._process is not None:
            self._process.terminate()
            await self._process.wait()


class Through:
    """A client of the gateway; `session` is the session of the last answer."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http
        self.session = ""

    async def wait_for_warm(self, number: int = WARM) -> None:
        """Waits until all prewarmed processes have started and loaded."""
        for _ in range(600):
            async with self._http.get(self._url.replace(CHAT, "/health")) as response:
                capacity = (await response.json())["checks"]["capacity"]
            if capacity["warm"] == number and not capacity["active"]:
                await asyncio.sleep(LOADING)
                return
            await asyncio.sleep(0.1)
        raise SystemExit("no prewarmed process is ready")

    async def __call__(self, session: str = "") -> float:
        """Returns the seconds from the request to its first text."""
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


async def at_once(ask: Callable[[], Awaitable[float]], number: int) -> float:
    """Returns the median time of `number` concurrent questions."""
    return statistics.median(await asyncio.gather(*(ask() for _ in range(number))))


class Comparison:
    """Runs the variants in turn and records their times."""

    def __init__(
        self,
        environment: dict[str, str],
        folder: Path,
        through: Through,
        start: Callable[[], AbstractAsyncContextManager[Through]],
    ) -> None:
        self._environment = environment
        self._folder = folder
        self._start = start
        self._by_hand = ByHand(environment, folder)
        self._through = through
        self.taken: dict[tuple[str, str], list[float]] = defaultdict(list)

    async def round(self) -> None:
        """Runs every measurement once."""
        await self._note(NEW, COLD, self._by_hand())
        ahead = await Ahead.ready(self._environment, self._folder)
        await self._note(NEW, AHEAD, ahead(first=True))
        await asyncio.sleep(LOADING)  # a process that was idle for long answers later
        await self._note(LATER, AHEAD, ahead(first=False))
        await ahead.aclose()
        async with self._start() as started_now:
            await started_now.wait_for_warm(DEFAULT_WARM)
            await self._note(FIRST, OURS, started_now())
        self.taken[FIRST, COLD], self.taken[FIRST, AHEAD] = (
            self.taken[NEW, it] for it in (COLD, AHEAD)
        )
        await self._through.wait_for_warm()
        await self._note(NEW, OURS, self._through())
        # The process that replaces the one in use loads for a second or two, at full speed. The
        # process driven directly has no such neighbour.
        await self._through.wait_for_warm()
        await self._note(LATER, OURS, self._through(self._through.session))
        known = str(uuid.uuid4())
        await self._by_hand("--session-id", known)
        await self._note(LATER, COLD, self._by_hand("--resume", known))
        for what, number in ((FOUR, WARM), (BURST, 2 * WARM)):
            await self._note(what, COLD, at_once(self._by_hand, number))
            await self._through.wait_for_warm()
            await self._note(what, OURS, at_once(self._through, number))

    async def _note(self, what: str, who: str, asked: Awaitable[float]) -> None:
        self.taken[what, who].append(await asked)

    def table(self) -> str:
        """Returns a table of the medians and of the ratios of modegate to both others."""
        lines = [
            f"| first text, ms | {COLD} | {AHEAD} | {OURS} | : prewarmed | faster than cold |",
            "|---|---|---|---|---|---|",
        ]
        for what in (FIRST, NEW, LATER, FOUR, BURST):
            cold, ahead, ours = (self._median(what, who) for who in (COLD, AHEAD, OURS))
            to_ahead = f"{ours / ahead:.2f}" if ahead else ""
            lines.append(
                f"| {what} | {cold * 1000:.0f} | {f'{ahead * 1000:.0f}' if ahead else ''} "
                f"| {ours * 1000:.0f} | {to_ahead} | {cold / ours:.1f} times |"
            )
        return "\n".join(lines)

    def _median(self, what: str, who: str) -> float:
        return statistics.median(self.taken[what, who] or [0.0])


@contextmanager
def gateway(environment: dict[str, str], http: aiohttp.ClientSession) -> Iterator[Through]:
    """Runs a gateway while the context is open."""
    command = ["modegate", "serve"]
    with started("modegate", command, core=None, environment=environment) as server:
        yield Through(server.url, http)


@asynccontextmanager
async def in_thread(context: AbstractContextManager[Through]) -> AsyncIterator[Through]:
    """Enters and leaves a context that blocks."""
    entered = await asyncio.to_thread(context.__enter__)
    try:
        yield entered
    finally:
        await asyncio.to_thread(context.__exit__, None, None, None)


async def run(rounds: int) -> None:
    """Starts the simulated model and the gateway, and runs the comparison."""
    provider = SimulatedProvider()
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
            several = environment | {"CLAUDE_WARM_PROCESSES": str(WARM)}
            one = environment | {"MODEGATE_STATE_DIR": str(home / "state of one")}
            through = await asyncio.to_thread(stack.enter_context, gateway(several, http))
            await through()
            comparison = Comparison(
                environment | {"PATH": "/usr/bin:/bin"},
                home,
                through,
                lambda: in_thread(gateway(one, http)),
            )
            for _ in range(rounds):
                await comparison.round()
            print(comparison.table())
            await through.wait_for_warm()
            print(f"\n{memory(home / 'state')}")


def memory(state: Path) -> str:
    """Returns a table of the idle processes and their memory."""
    lines = ["| idle process | RSS, MiB | PSS, MiB |", "|---|---|---|"]
    for entry in Path("/proc").iterdir():
        try:
            if not entry.name.isdigit() or state not in (entry / "cwd").readlink().parents:
                continue
            figures = dict(
                line.split()[:2] for line in (entry / "smaps_rollup").read_text().splitlines()[1:]
            )
        except OSError:
            continue
        rss, pss = (int(figures[name]) // 1024 for name in ("Rss:", "Pss:"))
        lines.append(f"| {entry.name} | {rss} | {pss} |")
    return "\n".join(lines)


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(parser.parse_args().rounds))


if __name__ == "__main__":
    main()
