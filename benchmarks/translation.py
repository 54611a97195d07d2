"""Measures what translation costs a request: `python -m benchmarks.translation [--rounds N]`.

The same gateway answers chat completions byte by byte, and messages and responses through the same
upstream. Each round runs every scenario in turn; figures are medians over the rounds, and ratios
medians of the ratios to the bytes of the same round.
"""

import argparse
import json
import statistics
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from benchmarks.load import QUESTION, Scenario, WrongAnswerError
from benchmarks.passthrough import Figures, gateway, measure
from benchmarks.servers import LOAD_CORE, Server, pin_load, started

OK = 200
BYTES = "/v1/chat/completions"
# By path: the field of the conversation, the maximum that the dialect demands, the event of a
# piece of text, and the end of a stream.
DIALECTS: dict[str, tuple[str, dict[str, int], bytes, bytes]] = {
    "/v1/messages": (
        "messages",
        {"max_tokens": 1000},
        b"event: content_block_delta\n",
        b'{"type":"message_stop"}\n\n',
    ),
    "/v1/responses": ("input", {}, b"event: response.output_text.delta\n", b"}}\n\n"),
}
# How often the events of a stream tell each word: in a delta, and in the ends of its part and item.
WORD = b" word"
WORDS = {"/v1/messages": 1, "/v1/responses": 5}
SETTINGS = """
default_upstream = "mock"
[upstreams.mock]
base_url = "URL"
responses = false
credentials = [{ id = "a", key = "sk-benchmark" }]
"""
SCENARIOS = (
    Scenario("JSON, concurrency 16", 16),
    Scenario("stream of 100, concurrency 16", 16, chunks=100),
    Scenario("stream of 100, 5 ms apart, concurrency 16", 16, chunks=100, delay_ms=5),
)


@dataclass(frozen=True, slots=True)
class Translated(Scenario):
    """A scenario in another dialect than the upstream's."""

    path: str = "/v1/messages"

    @property
    def body(self) -> bytes:
        """The request body."""
        name, required, _, _ = DIALECTS[self.path]
        model = f"mock-c{self.chunks}-d{self.delay_ms}" if self.chunks else "gpt-mock"
        told = {"model": model, "stream": bool(self.chunks), name: [QUESTION], **required}
        return json.dumps(
            told if self.path != "/v1/responses" else {**told, "store": False}
        ).encode()

    def check(self, status: int, body: bytes) -> None:
        """Raises WrongAnswerError unless the answer is complete and successful."""
        _, _, piece, end = DIALECTS[self.path]
        right = body.startswith(b"{") and body.endswith(b"}")
        if self.chunks:
            right = piece in body and body.endswith(end)
            right = right and body.count(WORD) == (self.chunks - 1) * WORDS[self.path]
        if status != OK or not right:
            raise WrongAnswerError(f"status {status}: {body[:200]!r}")


def in_dialect(scenario: Scenario, path: str) -> Scenario:
    """Returns the same scenario for another path."""
    return Translated(
        scenario.name, scenario.connections, scenario.chunks, scenario.delay_ms, path=path
    )


async def compare(server: Server, rounds: int, seconds: float) -> None:
    """Measures all dialects in turn and prints a table."""
    found: dict[tuple[str, str], list[Figures]] = defaultdict(list)
    base = server.url.removesuffix(BYTES)
    for _ in range(rounds):
        for scenario in SCENARIOS:
            bare = await measure(server, scenario, seconds)
            found[scenario.name, BYTES].append(bare)
            for path in DIALECTS:
                there = replace(server, url=base + path)
                figures = await measure(there, in_dialect(scenario, path), seconds)
                found[scenario.name, path].append(figures)
    print("| | | answers/s | CPU µs | CPU : bytes |\n|---|---|---|---|---|")
    for (name, path), own in found.items():
        pairs = zip(own, found[name, BYTES], strict=True)
        ratio = statistics.median(it.cpu_us / bare.cpu_us for it, bare in pairs)
        rate = statistics.median(it.answers_a_second for it in own)
        cpu = statistics.median(it.cpu_us for it in own)
        print(f"| {name} | `{path}` | {rate:,.0f} | {cpu:,.0f} | {ratio:.2f} |")
    print(f"\nmemory after the load: {server.memory_mib:.0f} MiB")


def main() -> None:
    """Starts the servers and compares the dialects."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0)
    options = parser.parse_args()
    with ExitStack() as stack:
        state = stack.enter_context(tempfile.TemporaryDirectory())
        upstream = stack.enter_context(
            started("upstream", ["benchmarks.upstream", "PORT"], core=LOAD_CORE)
        )
        settings = Path(state) / "modegate.toml"
        url = upstream.url.removesuffix("/chat/completions")
        settings.write_text(SETTINGS.replace("URL", url))
        server = stack.enter_context(gateway(upstream, state, settings=settings))
        pin_load()
        uvloop.run(compare(server, options.rounds, options.seconds))


if __name__ == "__main__":
    main()
