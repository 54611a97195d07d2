"""Measures the time from a client's close to the end of the upstream's connection.

Client and upstream are blocking sockets of one thread: after the close, it only waits in `recv` for
the end of the upstream's connection. So no event loop, poll or write of the benchmark counts.
What other processes take is told apart: the kernel counts how long a process that could run waited
for a core.
"""

import os
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.disconnect_steps import EVENT, HALF, HALF_ANSWER, PHASES, STREAM, encoded
from benchmarks.servers import Server

STREAM_BEGIN = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
)
# Seconds; the pause lets the gateway relay what the upstream has sent.
PATIENCE_S, PAUSE_S = 30.0, 0.005


@contextmanager
def upstream() -> Iterator[socket.socket]:
    """Opens a listener for the gateway's connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        yield listener


def table(gateway: Server, listener: socket.socket, rounds: int) -> str:
    """Returns a table of times in milliseconds: the median and the longest, and without waits."""
    lines = [
        "| phase of the disconnect | median ms | longest ms | longest ms without waits for a core |",
        "|---|---|---|---|",
    ]
    for phase in PHASES:
        taken, busy = zip(*(_measure(gateway, listener, phase) for _ in range(rounds)), strict=True)
        median = statistics.median(taken)
        lines.append(f"| {phase} | {median:.2f} | {max(taken):.2f} | {max(busy):.2f} |")
    return "\n".join(lines)


def _measure(gateway: Server, listener: socket.socket, phase: str) -> tuple[float, float]:
    """Returns the milliseconds of one disconnect: all, and without waits for a core."""
    address = ("127.0.0.1", urlsplit(gateway.url).port or 80)
    with socket.create_connection(address, PATIENCE_S) as client:
        client.sendall(encoded(phase))
        accepted, _ = listener.accept()
        with accepted:
            accepted.settimeout(PATIENCE_S)
            _read_to(accepted, b"}")  # the last byte of the request
            if phase == HALF:
                accepted.sendall(HALF_ANSWER)
            elif phase == STREAM:
                accepted.sendall(STREAM_BEGIN)
                _read_to(client, EVENT)
            time.sleep(PAUSE_S)
            waited, begun = _waited_ms(gateway.pid), time.perf_counter()
            client.close()
            _await_end(accepted)
            taken = (time.perf_counter() - begun) * 1000
            return taken, taken - (_waited_ms(gateway.pid) - waited)


def _waited_ms(pid: int) -> float:
    """Returns how long the main threads of the gateway and of this process have waited for a core."""
    counts = (Path(f"/proc/{it}/schedstat").read_text().split()[1] for it in (pid, os.getpid()))
    return sum(map(int, counts)) / 1e6


def _read_to(connection: socket.socket, end: bytes) -> None:
    received = b""
    while not received.rstrip(b"\r\n").endswith(end.rstrip(b"\n")):
        piece = connection.recv(65536)
        if not piece:
            raise SystemExit("the gateway closed a connection too early")
        received += piece


def _await_end(connection: socket.socket) -> None:
    try:
        while connection.recv(65536):
            pass
    except ConnectionResetError:
        pass
