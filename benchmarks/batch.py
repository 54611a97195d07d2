"""Compares a batch with the bare use case: `python -m benchmarks.batch [--items N] [--rounds N]`.

Both answer the same requests with the same number at once, in turns, in this process: the one reads
and writes files as `modegate batch run` does, the other only calls `AnswerRequest`. The upstream
answers at once, which shows the CPU time, and then after 50 ms, as fast as a small model does.
"""

import argparse
import asyncio
import contextlib
import io
import json
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import uvloop
from pydantic import SecretStr

from benchmarks.servers import LOAD_CORE, started
from modegate.application.answering.routed_answer import RelayedAnswer
from modegate.domain.inbound_request import InboundRequest
from modegate.domain.routing.mode import Mode
from modegate.entrypoints.cli.commands.batch import BatchOptions, run_batch
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.gateway.gateway import Gateway

CONCURRENCY = 32

Figures = tuple[float, float]


def params_of(number: int, model: str) -> Mapping[str, object]:
    """Returns one request."""
    return {"model": model, "messages": [{"role": "user", "content": f"Question {number}"}]}


def write_requests(path: Path, count: int, model: str) -> None:
    """Writes the file of requests."""
    with path.open("w") as file:
        for number in range(count):
            line = {
                "custom_id": f"question-{number}",
                "method": "POST",
                "url": "/v1/chat/completions",
                "body": params_of(number, model),
            }
            file.write(json.dumps(line) + "\n")


async def bare(settings: Settings, count: int, model: str) -> None:
    """Calls the use case for each request."""
    numbers: Iterator[int] = iter(range(count))

    async with Gateway(settings) as gateway:
        answer_request = gateway.container.answer_request()

        async def work() -> None:
            for number in numbers:
                request = InboundRequest.of(params_of(number, model), Mode.PASSTHROUGH)
                async with answer_request.execute(request) as answer:
                    assert isinstance(answer, RelayedAnswer)  # noqa: S101 - not streamed

        await asyncio.gather(*(work() for _ in range(CONCURRENCY)))


async def batch(settings: Settings, folder: Path) -> None:
    """Answers the file of requests."""
    options = BatchOptions(
        requests=str(folder / "requests.jsonl"),
        output=folder / "results.jsonl",
        mode=Mode.PASSTHROUGH,
        concurrency=CONCURRENCY,
        retries=0,
        retry_failed=False,
        strict=False,
        offline=False,
        ray=None,
    )
    with contextlib.redirect_stderr(io.StringIO()):
        assert await run_batch(options, settings) == 0  # noqa: S101
    options.output.unlink()


def measured(work: Callable[[], Awaitable[None]]) -> Figures:
    """Returns the wall time and the CPU time in seconds."""

    async def run() -> None:
        await work()

    wall, cpu = time.perf_counter(), time.process_time()
    uvloop.run(run())
    return time.perf_counter() - wall, time.process_time() - cpu


def compare(settings: Settings, count: int, rounds: int, model: str) -> None:
    """Prints the medians of both."""
    with tempfile.TemporaryDirectory() as folder:
        write_requests(Path(folder) / "requests.jsonl", count, model)
        found: dict[str, list[Figures]] = {"bare use case": [], "batch": []}
        for _ in range(rounds):
            found["bare use case"].append(measured(lambda: bare(settings, count, model)))
            found["batch"].append(measured(lambda: batch(settings, Path(folder))))
    medians = {
        name: tuple(map(statistics.median, zip(*figures, strict=True)))
        for name, figures in found.items()
    }
    for name, (wall, cpu) in medians.items():
        print(f"{model}: {name}: {wall:.2f} s, CPU {cpu / count * 1e6:.0f} us a request")
    pairs = list(zip(found["batch"], found["bare use case"], strict=True))
    for index, name in enumerate(("wall", "CPU")):
        ratio = statistics.median(one[index] / other[index] for one, other in pairs)
        print(f"{model}: ratio of {name} time {ratio:.3f}")


def main() -> None:
    """Compares both, with both upstreams."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as state,
        started("upstream", ["benchmarks.upstream", "PORT"], core=LOAD_CORE) as upstream,
    ):
        settings = Settings(
            modegate_state_dir=Path(state),
            openai_api_key=SecretStr("sk-bench"),
            openai_base_url=f"{upstream.url}/v1",
        )
        for model in ("mock", "mock-d50"):
            compare(settings, options.items, options.rounds, model)


if __name__ == "__main__":
    main()
