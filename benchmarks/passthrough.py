"""Measures the overhead of passthrough: `python -m benchmarks.passthrough [--rounds N]`.

Each round runs every scenario on every server in turn. Other load on the machine therefore affects
all servers alike. Figures are medians over the rounds. Ratios are medians of the ratios per round.
"""

import argparse
import asyncio
import statistics
import tempfile
from collections import defaultdict
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from benchmarks.load import KEY, Scenario, load
from benchmarks.peers import PEERS
from benchmarks.servers import GATEWAY_CORE, LOAD_CORE, Server, pin_load, started

UPSTREAM, FALCON, FLOOR, MODEGATE = "upstream alone", "bare Falcon", "bare aiohttp", "modegate"
SCENARIOS = (
    Scenario("JSON, concurrency 1", 1),
    Scenario("JSON, concurrency 16", 16),
    Scenario("JSON, concurrency 64", 64),
    Scenario("stream of 100, concurrency 1", 1, chunks=100),
    Scenario("stream of 100, concurrency 16", 16, chunks=100),
    Scenario("stream of 50, 5 ms apart, concurrency 64", 64, chunks=50, delay_ms=5),
    Scenario("stream of 50, 5 ms apart, concurrency 256", 256, chunks=50, delay_ms=5),
)


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of one server in one scenario in one round."""

    answers_a_second: float
    median_ms: float
    cpu_us: float


Rounds = list[Figures]
HEAD = """| | | answers/s | chunks/s | p50 ms | added p50 ms | CPU µs | rate : floor | CPU : floor |
|---|---|---|---|---|---|---|---|---|"""


async def measure(server: Server, scenario: Scenario, seconds: float) -> Figures:
    """Runs one scenario on one server."""
    before = server.cpu_seconds
    asked = replace(scenario, model_prefix=server.model_prefix)
    measured = await load(server.url, asked, seconds)
    cpu = server.cpu_seconds - before
    return Figures(measured.rate, measured.median_ms, cpu / measured.answers * 1e6)


async def compare(servers: list[Server], rounds: int, seconds: float) -> None:
    """Measures all servers in turn and prints a table."""
    found: dict[tuple[Scenario, str], Rounds] = defaultdict(list)
    for _ in range(rounds):
        for scenario in SCENARIOS:
            for server in servers:
                if scenario.chunks and server.name == FALCON:
                    continue
                found[scenario, server.name].append(await measure(server, scenario, seconds))
    print(HEAD)
    for (scenario, name), figures in found.items():
        print(row(scenario, name, figures, found[scenario, UPSTREAM], found[scenario, FLOOR]))
    for server in servers:
        print(f"\nmemory of {server.name} after the load: {server.memory_mib:.0f} MiB", end="")
    print()


def row(scenario: Scenario, name: str, own: Rounds, upstream: Rounds, floor: Rounds) -> str:
    """Returns the table row of a server: its overhead and its ratios to the floor."""
    rate = statistics.median(it.answers_a_second for it in own)
    latency = statistics.median(it.median_ms for it in own)
    added = (it.median_ms - base.median_ms for it, base in zip(own, upstream, strict=True))
    faster = (
        it.answers_a_second / base.answers_a_second for it, base in zip(own, floor, strict=True)
    )
    dearer = (it.cpu_us / base.cpu_us for it, base in zip(own, floor, strict=True))
    chunks = f"{rate * scenario.chunks:,.0f}" if scenario.chunks else ""
    return (
        f"| {scenario.name} | {name} | {rate:,.0f} | {chunks} | {latency:.2f} "
        f"| {statistics.median(added):.2f} | {statistics.median(it.cpu_us for it in own):,.0f} "
        f"| {statistics.median(faster):.2f} | {statistics.median(dearer):.2f} |"
    )


def gateway(
    upstream: Server,
    state: str,
    name: str = MODEGATE,
    command: str = "modegate",
    settings: Path | None = None,
) -> AbstractContextManager[Server]:
    """Starts modegate with all features enabled, in front of the upstream.

    With `settings`, the upstreams are those of that file.
    """
    upstreams = (
        {"OPENAI_API_KEY": "sk-benchmark", "OPENAI_BASE_URL": _base(upstream)}
        if settings is None
        else {"MODEGATE_CONFIG": str(settings)}
    )
    return started(
        name,
        [command, "serve"],
        core=GATEWAY_CORE,
        environment={
            "API_KEY": KEY,
            "MAX_CONCURRENT_PER_KEY": "1000000",
            "MODEGATE_STATE_DIR": state,
            "RATE_LIMIT_PER_IP": "1000000",
            "LOG_LEVEL": "info",
            **upstreams,
        },
    )


def _base(upstream: Server) -> str:
    return upstream.url.removesuffix("/chat/completions")


def main() -> None:
    """Starts the servers and compares them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument(
        "--before", type=Path, metavar="FOLDER", help="another checkout, set up with make"
    )
    parser.add_argument("--peer", choices=[*PEERS], action="append", default=[])
    options = parser.parse_args()
    with ExitStack() as stack:
        state = stack.enter_context(tempfile.TemporaryDirectory())
        upstream = stack.enter_context(
            started(UPSTREAM, ["benchmarks.upstream", "PORT"], core=LOAD_CORE)
        )
        base = {"OPENAI_BASE_URL": _base(upstream)}
        servers = [
            upstream,
            stack.enter_context(
                started(FALCON, ["benchmarks.bare_falcon", "PORT"], core=GATEWAY_CORE)
            ),
            stack.enter_context(
                started(
                    FLOOR,
                    ["benchmarks.bare_aiohttp", "PORT"],
                    core=GATEWAY_CORE,
                    environment=base,
                )
            ),
            stack.enter_context(gateway(upstream, state)),
        ]
        if options.before:
            before = str(options.before.resolve() / ".venv" / "bin" / "modegate")
            earlier = gateway(upstream, f"{state}/before", "modegate before", before)
            servers.append(stack.enter_context(earlier))
        for name in options.peer:
            peer = PEERS[name].started(name, _base(upstream), Path(state))
            servers.append(stack.enter_context(peer))
        pin_load()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(compare(servers, options.rounds, options.seconds))


if __name__ == "__main__":
    main()
