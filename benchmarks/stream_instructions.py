"""Counts what each chunk of a stream executes: `python -m benchmarks.stream_instructions [--top N]`.

The chunks come one by one, so that each is relayed before the next one. A chunk is the difference
between long and short streams, and does not contain their heads and ends. As in
`benchmarks.instructions`, there are no sockets. With `--time`, the CPU time is measured instead.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import TextIO

import uvloop

from benchmarks.instructions import Count, Wire, connected, request_of
from benchmarks.load import Scenario
from benchmarks.upstream import DONE, EVENT, FINISH, STREAM
from modegate.http_client.connections.connecting import Connector
from modegate.http_client.connections.connection import Connection

SHORT, LONG = 10, 60
WARM_UP, STREAMS, TIMED, REPEATS = 30, 100, 400, 5
REQUEST = request_of(Scenario("stream", 1, chunks=LONG))
END = b"0\r\n\r\n"
# Iterations of the event loop from one chunk to the next: the first one is relayed in three.
ITERATIONS = 4


class Upstream:
    """Answers each request on a connection with a stream of `chunks`."""

    def __init__(self, connection: Connection, chunks: int) -> None:
        self._connection = connection
        self._chunks = chunks
        self._loop = asyncio.get_running_loop()

    def answer(self, _: bytes) -> None:
        """Sends the head, and the chunks one by one."""
        self._send(self._pieces())

    def _pieces(self) -> Iterator[bytes]:
        yield STREAM
        for _ in range(self._chunks - 1):
            yield _chunk(EVENT)
        yield _chunk(FINISH + DONE) + END

    def _send(self, pieces: Iterator[bytes], waits: int = 0) -> None:
        if waits:
            self._loop.call_soon(self._send, pieces, waits - 1)
        elif (piece := next(pieces, None)) is not None:
            self._connection.data_received(piece)
            self._loop.call_soon(self._send, pieces, ITERATIONS)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


async def connect(chunks: int) -> Connection:
    """Opens a connection to an upstream that streams `chunks`."""
    connection = Connection()
    connection.connection_made(Wire(Upstream(connection, chunks).answer))
    return connection


class Client:
    """Waits for the ends of streams."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()

    def read(self, data: bytes) -> None:
        """Accepts what the gateway sent."""
        if data.endswith(END):
            self.ended.set()


async def run(state: str, log: TextIO, streams: int, count: Count | None) -> float:
    """Relays streams one after another; returns the CPU time of all of them in seconds."""
    client = Client()
    protocol = connected(state, log, client.read)
    began = 0.0
    for number in range(WARM_UP + streams):
        if number == WARM_UP:
            if count is not None:
                count.start()
            began = time.process_time()
        client.ended.clear()
        protocol.data_received(REQUEST)
        await client.ended.wait()
    if count is not None:
        count.stop()
    return time.process_time() - began


def relay(chunks: int, streams: int, count: Count | None = None) -> float:
    """Runs a gateway in front of an upstream whose streams have `chunks`."""
    Connector.connect = lambda *_: connect(chunks)  # type: ignore[method-assign]
    with (
        tempfile.TemporaryDirectory() as state,
        Path(os.devnull).open("w") as log,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(run(state, log, streams, count))


def is_ours(code: CodeType) -> bool:
    """Returns whether code does not belong to the benchmark itself."""
    return Path(code.co_filename).parent != Path(__file__).parent


def print_times() -> None:
    """Prints the CPU time of a short stream and of a chunk, each the minimum of several runs."""
    short = min(relay(SHORT, TIMED) for _ in range(REPEATS)) / TIMED
    long = min(relay(LONG, TIMED) for _ in range(REPEATS)) / TIMED
    print(f"a stream of {SHORT}: {short * 1e6:.0f} µs", end=", ")
    print(f"a chunk: {(long - short) / (LONG - SHORT) * 1e6:.2f} µs")


def print_counts(top: int) -> None:
    """Prints the instructions of a short stream and of a chunk, and a chunk's `top` functions."""
    short, long = Count(), Count()
    relay(SHORT, STREAMS, short)
    relay(LONG, STREAMS, long)
    difference = long.instructions.copy()
    difference.subtract(short.instructions)
    ours = [(code, number) for code, number in difference.most_common() if is_ours(code)]
    each = STREAMS * (LONG - SHORT)
    for code, number in ours[:top]:
        place = f"{Path(code.co_filename).name}:{code.co_firstlineno} {code.co_qualname}"
        print(f"{number / each:8.1f} {place}")
    total = sum(number for code, number in short.instructions.items() if is_ours(code))
    print(f"a stream of {SHORT}: {total / STREAMS:.0f} instructions", end=", ")
    print(f"a chunk: {sum(number for _, number in ours) / each:.0f} instructions", end=" and ")
    print(f"{(long.c_calls - short.c_calls) / each:.0f} calls of C functions")


def main() -> None:
    """Prints the figures of a stream and of one chunk."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", type=int, default=0, help="functions to list")
    parser.add_argument("--time", action="store_true", help="measure the CPU time")
    options = parser.parse_args()
    if options.time:
        print_times()
    else:
        print_counts(options.top)


if __name__ == "__main__":
    main()
