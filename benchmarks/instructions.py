"""Counts what a JSON request executes: `python -m benchmarks.instructions [--top N]`.

Bytecode instructions and calls of C functions differ by less than 0.2 % between runs, so that a
change of one percent can be seen on a busy machine. Objects that reference each other in a cycle
are left for the garbage collector, which costs more than freeing them; there should be none. Both
ends of the server and of the HTTP client run as in production, but without sockets. Instructions
are no time: measure the time, too.
"""

import argparse
import asyncio
import gc
import logging
import os
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TextIO

import uvloop
from pydantic import SecretStr

from benchmarks.load import KEY, Scenario
from benchmarks.upstream import WHOLE
from modegate.entrypoints.bootstrap.container import Container
from modegate.entrypoints.bootstrap.http import build_app, build_server
from modegate.entrypoints.bootstrap.json_request_log import JsonRequestLog
from modegate.entrypoints.bootstrap.log_config import BatchingHandler
from modegate.entrypoints.config.settings import Settings
from modegate.entrypoints.http.server.connection.protocol import GatewayProtocol
from modegate.http_client.connections.connecting import Connector
from modegate.http_client.connections.connection import Connection

WARM_UP, REQUESTS = 100, 400


def request_of(scenario: Scenario) -> bytes:
    """Returns a request of a scenario."""
    return b"""POST /v1/chat/completions HTTP/1.1\r
host: 127.0.0.1\r
authorization: Bearer %b\r
content-type: application/json\r
content-length: %d\r
\r
%b""" % (KEY.encode(), len(scenario.body), scenario.body)


class Wire(asyncio.Transport):
    """A transport that passes what is written to a callback in the next iteration of the loop."""

    def __init__(self, written: Callable[[bytes], None]) -> None:
        super().__init__()
        self._loop = asyncio.get_running_loop()
        self._written = written
        self._pair = socket.socketpair()  # the client polls its socket before it uses it again

    def write(self, data: Any) -> None:
        """Passes the bytes on."""
        self._loop.call_soon(self._written, bytes(data))

    def is_closing(self) -> bool:
        """Returns False: the connection stays open."""
        return False

    def get_write_buffer_size(self) -> int:
        """Returns 0: everything is sent at once."""
        return 0

    def resume_reading(self) -> None:
        """Does nothing: reading was not paused."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Returns the socket and its addresses."""
        address = ("127.0.0.1", 1)
        known = {"socket": self._pair[0], "peername": address, "sockname": address}
        return known.get(name, default)


async def connect(_: Connector, __: object) -> Connection:
    """Opens a connection to an upstream that answers at once."""
    connection = Connection()
    connection.connection_made(Wire(lambda _: connection.data_received(WHOLE)))
    return connection


class Count:
    """Counts while it traces."""

    def __init__(self) -> None:
        self.instructions: Counter[CodeType] = Counter()
        self.c_calls = 0
        self.garbage = 0

    def start(self) -> None:
        """Starts to count frames that are opened from now on."""
        gc.collect()
        gc.disable()
        sys.settrace(self._trace)
        sys.setprofile(self._profile)

    def stop(self) -> None:
        """Stops."""
        sys.settrace(None)
        sys.setprofile(None)
        gc.enable()
        self.garbage = gc.collect()

    def _trace(self, frame: FrameType, event: str, _: object) -> Any:
        if event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        elif event == "opcode":
            self.instructions[frame.f_code] += 1
        return self._trace

    def _profile(self, _: FrameType, event: str, __: object) -> None:
        self.c_calls += event == "c_call"


def connected(state: str, log: TextIO, answered: Callable[[bytes], None]) -> GatewayProtocol:
    """Returns the server's end of a new connection to a new gateway; `answered` gets what it sends."""
    settings = Settings(
        api_key=SecretStr(KEY),
        openai_api_key=SecretStr("sk-benchmark"),
        modegate_state_dir=Path(state),
        rate_limit_per_ip=1_000_000,
    )
    container = Container(settings=settings)
    logging.getLogger("modegate").setLevel(logging.INFO)
    container.request_log.override(JsonRequestLog(BatchingHandler(log)))
    server = build_server(build_app(container), container)
    server.config.load()
    protocol = GatewayProtocol(config=server.config, server_state=server.server_state, app_state={})
    protocol.connection_made(Wire(answered))
    return protocol


async def run(state: str, log: TextIO, count: Count) -> None:
    """Counts `REQUESTS` requests, one after another, on one connection."""
    answers: asyncio.Queue[bytes] = asyncio.Queue()
    protocol = connected(state, log, answers.put_nowait)
    request = request_of(Scenario("JSON", 1))
    for number in range(WARM_UP + REQUESTS):
        if number == WARM_UP:
            count.start()
        protocol.data_received(request)
        assert (await answers.get()).startswith(b"HTTP/1.1 200 ")  # noqa: S101
    count.stop()


def main() -> None:
    """Prints the figures of one request, and the functions with the most instructions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", type=int, default=0, help="functions to list")
    options = parser.parse_args()
    Connector.connect = connect  # type: ignore[method-assign, assignment]
    count = Count()
    with (
        tempfile.TemporaryDirectory() as state,
        Path(os.devnull).open("w") as log,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(run(state, log, count))
    for code, number in count.instructions.most_common(options.top):
        place = f"{Path(code.co_filename).name}:{code.co_firstlineno} {code.co_qualname}"
        print(f"{number / REQUESTS:8.1f} {place}")
    print(f"{count.instructions.total() / REQUESTS:.0f} instructions", end=", ")
    print(f"{count.c_calls / REQUESTS:.0f} calls of C functions", end=", ")
    print(f"{count.garbage / REQUESTS:.1f} objects left for the garbage collector")


if __name__ == "__main__":
    main()
