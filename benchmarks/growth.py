"""Measures growth of CPU time and memory: `python -m benchmarks.growth [--requests N]`.

Reports both per request, over the number of requests and for bodies of 1 KB to 1 MB.
"""

import argparse
import asyncio
import tempfile
from contextlib import ExitStack

import uvloop

from benchmarks.load import Scenario, load
from benchmarks.passthrough import gateway
from benchmarks.servers import LOAD_CORE, Server, pin_load, started

SIZES = (1, 16, 128, 1000)  # KB


async def by_number(server: Server, requests: int) -> None:
    """Sends at least `requests` requests and prints the figures of ten steps."""
    print("| requests | CPU µs per request | RSS MiB | PSS MiB |\n|---|---|---|---|")
    asked, step = 0, max(1000, requests // 10)
    while asked < requests:
        cpu, here = server.cpu_seconds, 0
        while here < step:
            here += (await load(server.url, Scenario("JSON", 16), 1.0)).answers
        asked += here
        used = (server.cpu_seconds - cpu) / here * 1e6
        print(f"| {asked:,} | {used:.0f} | {server.rss_mib:.0f} | {server.memory_mib:.0f} |")


async def by_size(server: Server, seconds: float) -> None:
    """Sends bodies of increasing size and prints the CPU time of each."""
    print(
        "\n| body, KB | CPU µs per request | CPU ns per byte beyond the first KB |\n|---|---|---|"
    )
    smallest = 0.0
    for size in SIZES:
        cpu = server.cpu_seconds
        measured = await load(server.url, Scenario("JSON", 4, padding=size * 1000 - 900), seconds)
        used = (server.cpu_seconds - cpu) / measured.answers * 1e6
        smallest = smallest or used
        each = (used - smallest) / (size - 1) if size > 1 else 0.0
        print(f"| {size:,} | {used:,.0f} | {each:.2f} |")


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000)
    requests = parser.parse_args().requests
    with ExitStack() as stack:
        state = stack.enter_context(tempfile.TemporaryDirectory())
        upstream = stack.enter_context(
            started("upstream", ["benchmarks.upstream", "PORT"], core=LOAD_CORE)
        )
        server = stack.enter_context(gateway(upstream, state))
        pin_load()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(by_number(server, requests))
            runner.run(by_size(server, 2.0))


if __name__ == "__main__":
    main()
