"""Servers as separate processes, each pinned to a core, with their CPU time and memory."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

GATEWAY_CORE = 0
LOAD_CORE = 1
# Seconds to wait for a server to start; some peers are slow.
START = 90
# Linux's clock id of another process's CPU time; Python has no clock_getcpuclockid(3).
PROCESS_CLOCK = 2


@dataclass(frozen=True, slots=True)
class Server:
    """A process that listens on `url`; its names of models begin with `model_prefix`."""

    name: str
    url: str
    pid: int
    model_prefix: str = ""

    @property
    def cpu_seconds(self) -> float:
        """User and system time of the process so far, including ended threads."""
        return time.clock_gettime(~self.pid << 3 | PROCESS_CLOCK)

    @property
    def memory_mib(self) -> float:
        """The proportional set size (PSS), in which shared pages count once."""
        rollup = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        found = re.search(r"^Pss:\s+(\d+)", rollup, re.MULTILINE)
        return int(found[1]) / 1024 if found else 0.0

    @property
    def rss_mib(self) -> float:
        """The resident set size (RSS)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGESIZE") / 1024**2


@contextmanager
def started(
    name: str,
    command: Sequence[str],
    *,
    core: int | None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Runs a command while the context is open; `PORT` in it is replaced by a free port.

    A command without a path is a Python module. `core=None` means that it may use all cores.
    """
    port = _free_port()
    python = [] if "/" in command[0] else [sys.executable, "-m"]
    process = subprocess.Popen(
        [*python, *(part.replace("PORT", str(port)) for part in command)],
        env={**os.environ, **(environment or {}), "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        if core is not None:
            _pin(core, process.pid)
        _wait_for(port, process)
        yield Server(name, f"http://127.0.0.1:{port}/v1/chat/completions", process.pid)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def pin_load() -> None:
    """Pins this process to the core of the load, away from the servers' core."""
    _pin(LOAD_CORE, 0)


def _pin(core: int, pid: int) -> None:
    available = sorted(os.sched_getaffinity(pid))
    os.sched_setaffinity(pid, {available[core % len(available)]})


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    raise SystemExit(f"a server did not start: {process.args!r}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
