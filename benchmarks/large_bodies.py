"""Measures the memory for large bodies: `python -m benchmarks.large_bodies [--mib N]`.

A client uploads a file and downloads one through the gateway. The figures are the growth of the
peak of the gateway's resident set (RSS), and the time.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import aiohttp

from benchmarks.servers import started
from modegate.simulator.large_bodies import PIECE, LargeBodies

MIB = 1024 * 1024
OWN_KEY = {"X-OpenAI-API-Key": "sk-own", "Content-Type": "application/octet-stream"}


async def measure(size: int) -> None:
    """Prints a table of both directions."""
    upstream = LargeBodies(size)
    with TemporaryDirectory() as folder:
        async with upstream.running() as url:
            environment = {
                "OPENAI_BASE_URL": f"{url}/v1",
                "OPENAI_API_KEY": "sk-server",
                "MODEGATE_STATE_DIR": folder,
                "CLAUDE_WARM_PROCESSES": "0",
            }
            command = ("modegate", "serve")
            with started("modegate", command, core=None, environment=environment) as server:
                address = urlsplit(server.url)
                files = f"{address.scheme}://{address.netloc}/v1/files"
                await measure_both(files, server.pid, size)


async def measure_both(files: str, pid: int, size: int) -> None:
    """Warms the gateway up, then uploads and downloads `size` bytes."""
    print("| direction | MiB | peak RSS before, MiB | growth, MiB | seconds |")
    print("|---|---|---|---|---|")
    async with aiohttp.ClientSession(headers=OWN_KEY) as http:
        for _ in range(3):
            async with http.post(files, data=b"warm") as answered:
                await answered.read()
        for direction, transfer in (("upload", upload), ("download", download)):
            before, began = peak_mib(pid), time.monotonic()
            moved = await transfer(http, files, size)
            if moved != size:
                raise RuntimeError(f"{direction}: {moved} of {size} bytes")
            took, grown = time.monotonic() - began, peak_mib(pid) - before
            print(f"| {direction} | {size // MIB} | {before:.1f} | {grown:.1f} | {took:.1f} |")


async def upload(http: aiohttp.ClientSession, files: str, size: int) -> int:
    """Returns the number of bytes that the upstream received."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, size, len(PIECE)):
            yield PIECE[: size - start]

    async with http.post(files, data=pieces()) as answered:
        told: dict[str, int] = await answered.json()
        return told["bytes"]


async def download(http: aiohttp.ClientSession, files: str, size: int) -> int:  # noqa: ARG001
    """Returns the number of bytes that the client received."""
    received = 0
    async with http.get(f"{files}/x/content") as answered:
        async for piece in answered.content.iter_any():
            received += len(piece)
    return received


def peak_mib(pid: int) -> float:
    """Returns the peak of the resident set."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--mib", type=int, default=300)
    asyncio.run(measure(arguments.parse_args().mib * MIB))
