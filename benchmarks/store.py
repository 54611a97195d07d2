"""Measures what a shared store costs a passthrough request: `python -m benchmarks.store [--rounds N]`.

Two gateways run in turn on one core, one with limits in memory and one with MODEGATE_STORE. The
store is a Redis on the core of the load. Figures are medians over the rounds; ratios are medians of
the ratios per round.
"""

import argparse
import shutil
import statistics
import tempfile
from collections import defaultdict
from contextlib import ExitStack

import uvloop

from benchmarks.load import KEY, Scenario, load
from benchmarks.servers import GATEWAY_CORE, LOAD_CORE, Server, pin_load, started

MEMORY, REDIS = "memory", "Redis"
SCENARIOS = tuple(Scenario(f"JSON, concurrency {it}", it) for it in (1, 16, 64))
REDIS_OPTIONS = ("--appendonly", "yes", "--save", "", "--bind", "127.0.0.1")
HEAD = """| | memory: CPU µs | Redis: CPU µs | Redis : memory | the store: CPU µs |
|---|---|---|---|---|"""


async def compare(gateways: dict[str, Server], store: Server, rounds: int, seconds: float) -> None:
    """Measures both gateways in turn and prints a table."""
    found: dict[tuple[Scenario, str], list[float]] = defaultdict(list)
    for _ in range(rounds):
        for scenario in SCENARIOS:
            for name, gateway in gateways.items():
                before, of_store = gateway.cpu_seconds, store.cpu_seconds
                answers = (await load(gateway.url, scenario, seconds)).answers
                found[scenario, name].append((gateway.cpu_seconds - before) / answers * 1e6)
                if name == REDIS:
                    used = (store.cpu_seconds - of_store) / answers * 1e6
                    found[scenario, "store"].append(used)
    print(HEAD)
    for scenario in SCENARIOS:
        memory, redis = found[scenario, MEMORY], found[scenario, REDIS]
        ratio = statistics.median(b / a for a, b in zip(memory, redis, strict=True))
        medians = [statistics.median(found[scenario, it]) for it in (MEMORY, REDIS, "store")]
        print(
            f"| {scenario.name} | {medians[0]:,.0f} | {medians[1]:,.0f} | {ratio:.2f} "
            f"| {medians[2]:.0f} |"
        )


def main() -> None:
    """Starts the servers and compares them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    program = shutil.which("valkey-server") or shutil.which("redis-server")
    if program is None:
        raise SystemExit("redis-server is not installed")
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        command = [program, "--port", "PORT", "--dir", folder, *REDIS_OPTIONS]
        store = stack.enter_context(started("store", command, core=LOAD_CORE))
        upstream = stack.enter_context(
            started("upstream", ["benchmarks.upstream", "PORT"], core=LOAD_CORE)
        )
        address = store.url.removeprefix("http").removesuffix("/v1/chat/completions")
        gateways = {}
        for name, chosen in ((MEMORY, {}), (REDIS, {"MODEGATE_STORE": f"redis{address}/0"})):
            environment = {
                "API_KEY": KEY,
                "MAX_CONCURRENT_PER_KEY": "1000000",
                "MODEGATE_STATE_DIR": stack.enter_context(tempfile.TemporaryDirectory()),
                "RATE_LIMIT_PER_IP": "1000000",
                "CLAUDE_WARM_PROCESSES": "0",
                "OPENAI_API_KEY": "sk-benchmark",
                "OPENAI_BASE_URL": upstream.url.removesuffix("/chat/completions"),
                **chosen,
            }
            gateways[name] = stack.enter_context(
                started(name, ["modegate", "serve"], core=GATEWAY_CORE, environment=environment)
            )
        pin_load()
        uvloop.run(compare(gateways, store, options.rounds, options.seconds))


if __name__ == "__main__":
    main()
