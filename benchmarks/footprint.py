"""Measures start and memory: `python -m benchmarks.footprint [NAME=COMMAND ...]`.

Each command is a `modegate` of an environment; by default, that of this one. Starts are interleaved.
Bytecode must be there, as after an installation: a start without it compiles all modules, which takes
18 MiB and seconds.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

import uvloop

from benchmarks.load import KEY, Scenario, load
from benchmarks.passthrough import gateway
from benchmarks.servers import LOAD_CORE, Server, pin_load, started

JSON = Scenario("JSON", 16)
BURSTS = (
    Scenario("256 streams", 256, chunks=50, delay_ms=5),
    Scenario("64 streams", 64, chunks=100),
)
REST_S = 3.0


def first_answer(server: Server) -> None:
    """Waits for the answer to one chat request."""
    target = urlsplit(server.url)
    with closing(HTTPConnection(target.netloc, timeout=30)) as connection:
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        connection.request("POST", target.path, JSON.body, headers)
        answer = connection.getresponse()
        JSON.check(answer.status, answer.read())


@contextmanager
def running(upstream: Server, name: str, command: str) -> Iterator[Server]:
    """Runs a gateway with a state folder of its own."""
    with tempfile.TemporaryDirectory() as state, gateway(upstream, state, name, command) as server:
        yield server


def measure_start(upstream: Server, commands: dict[str, str], rounds: int) -> None:
    """Starts each gateway in turn, and prints the medians until the first answer."""
    seconds, cpu = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    for _ in range(rounds):
        for name, command in commands.items():
            began = time.perf_counter()
            with running(upstream, name, command) as server:
                first_answer(server)
                seconds[name].append(time.perf_counter() - began)
                cpu[name].append(server.cpu_seconds)
    print("| | start to the first answer, s | CPU, s |\n|---|---|---|")
    for name in commands:
        wall = statistics.median(seconds[name])
        print(f"| {name} | {wall:.2f} | {statistics.median(cpu[name]):.2f} |")


async def measure_memory(server: Server, requests: int) -> None:
    """Prints the memory when idle, after JSON requests, and after bursts of streams."""
    await asyncio.sleep(REST_S)
    report(server, "idle")
    answers = 0
    while answers < requests:
        answers += (await load(server.url, JSON, 1.0)).answers
    report(server, f"after {answers:,} JSON requests")
    for scenario in BURSTS * 3:
        answers += (await load(server.url, scenario, 1.0)).answers
    await asyncio.sleep(REST_S)
    report(server, f"after {answers:,} with streams")


def report(server: Server, when: str) -> None:
    """Prints a row of the table."""
    print(f"| {server.name}, {when} | {server.memory_mib:.1f} | {server.rss_mib:.1f} |")


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commands", nargs="*", metavar="NAME=COMMAND")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=20_000)
    options = parser.parse_args()
    named = [it.partition("=") for it in options.commands or ["modegate=modegate"]]
    commands = {name: command for name, _, command in named}
    with ExitStack() as stack:
        upstream = stack.enter_context(
            started("upstream", ["benchmarks.upstream", "PORT"], core=LOAD_CORE)
        )
        pin_load()
        measure_start(upstream, commands, options.rounds)
        print("\n| | PSS MiB | RSS MiB |\n|---|---|---|")
        for name, command in commands.items():
            with (
                running(upstream, name, command) as server,
                asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
            ):
                runner.run(measure_memory(server, options.requests))


if __name__ == "__main__":
    main()
