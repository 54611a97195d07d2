"""Measures credential pools: `python -m benchmarks.credentials [--rounds N]`.

The first table has the time of one choice. The second one has the CPU time of a JSON request with
three upstreams of five credentials each, beside one upstream with one credential, in turn.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections import defaultdict
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import uvloop

from benchmarks.load import Scenario
from benchmarks.passthrough import gateway, measure
from benchmarks.servers import LOAD_CORE, Server, pin_load, started
from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import Credential
from modegate.domain.credentials.pool import CredentialPool, PoolRules
from modegate.domain.credentials.selection import Strategy

CHOICES = 2000
SIZES = (5, 100, 1000)
SCENARIO = Scenario("JSON, concurrency 16", 16)
ONE = "one upstream, one credential"
UPSTREAMS = {"first": "gpt-*", "second": "claude-*", "third": "kimi-*"}


def choice_us(strategy: Strategy, size: int, rounds: int) -> float:
    """Returns the median time of one choice in µs, each with another sticky key."""
    credentials = [Credential(f"team-{at}", ApiKey("sk"), 1 + at % 7) for at in range(size)]
    pool = CredentialPool(credentials, PoolRules(strategy=strategy))
    found = []
    for number in range(rounds):
        keys = [f"conversation {number} {at}" for at in range(CHOICES)]
        began = time.process_time()
        for key in keys:
            pool.choose(1.0, key)
        found.append((time.process_time() - began) / CHOICES * 1e6)
    return statistics.median(found)


def print_choices(rounds: int) -> None:
    """Prints the time of one choice by strategy and size of the pool."""
    print("| one choice, µs |", " | ".join(f"{size} credentials" for size in SIZES), "|")
    print("|---|" + "---|" * len(SIZES))
    for strategy in Strategy:
        row = (f"{choice_us(strategy, size, rounds):.1f}" for size in SIZES)
        print(f"| {strategy} | " + " | ".join(row) + " |")


def settings_file(folder: Path, base_url: str, strategy: Strategy) -> Path:
    """Writes a settings file with three upstreams of five credentials each."""
    path = folder / f"{strategy}.toml"
    lines = ['default_upstream = "first"']
    for name, models in UPSTREAMS.items():
        lines += [
            f"[upstreams.{name}]",
            f'base_url = "{base_url}"',
            f'strategy = "{strategy}"',
            f'models = ["{models}"]',
        ]
        for at in range(5):
            lines += [
                f"[[upstreams.{name}.credentials]]",
                f'id = "{name}-{at}"',
                f'key = "sk-{name}-{at}"',
                f"weight = {at + 1}",
            ]
    path.write_text("\n".join(lines))
    return path


async def compare(servers: list[Server], rounds: int, seconds: float) -> None:
    """Measures all gateways in turn and prints the CPU time of a request."""
    found: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for server in servers:
            found[server.name].append((await measure(server, SCENARIO, seconds)).cpu_us)
    print("\n| JSON, 16 at once | CPU µs | : one credential |\n|---|---|---|")
    for name, own in found.items():
        ratio = statistics.median(it / base for it, base in zip(own, found[ONE], strict=True))
        print(f"| {name} | {statistics.median(own):.0f} | {ratio:.3f} |")


def pooled(upstream: Server, folder: Path, strategy: Strategy) -> AbstractContextManager[Server]:
    """Starts a gateway with three upstreams of five credentials each."""
    base_url = upstream.url.removesuffix("/chat/completions")
    path = settings_file(folder, base_url, strategy)
    return gateway(upstream, str(folder / strategy), f"3 x 5, {strategy}", settings=path)


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.5)
    options = parser.parse_args()
    print_choices(options.rounds)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        upstream = stack.enter_context(
            started("upstream", ["benchmarks.upstream", "PORT"], core=LOAD_CORE)
        )
        servers = [stack.enter_context(gateway(upstream, str(folder / "one"), ONE))]
        servers += [stack.enter_context(pooled(upstream, folder, it)) for it in Strategy]
        pin_load()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(compare(servers, options.rounds, options.seconds))


if __name__ == "__main__":
    main()
