"""`modegate serve` as a process of its own."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MODEGATE = [sys.executable, "-m", "modegate"]
# Processes that stand ready cost a second of a core each, which most tests need for themselves.
COLD = {"CLAUDE_WARM_PROCESSES": "0"}


@dataclass(frozen=True)
class Serving:
    """A gateway's process, its address, and what it was started with."""

    process: subprocess.Popen[str]
    address: str
    folder: Path
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def ask(self, path: str, body: object = None, **headers: str) -> dict[str, object] | None:
        """The JSON at a path; None where nothing listens."""
        data = None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            self.url + path, data, {"Content-Type": "application/json"} | named
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return dict(json.load(response))
        except urllib.error.HTTPError as error:
            return dict(json.load(error))
        except OSError:
            return None

    def log(self) -> list[dict[str, object]]:
        """All that it logged, once it has ended."""
        _, told = self.process.communicate(timeout=30)
        return [json.loads(line) for line in told.splitlines()]


def bare_environment(home: Path) -> dict[str, str]:
    """An environment with next to nothing in it."""
    measured = {name: value for name, value in os.environ.items() if name.startswith("COV")}
    return measured | {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "MODEGATE_STATE_DIR": str(home / "state"),
    }


@contextmanager
def serving(
    *arguments: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] = MODEGATE,
) -> Iterator[Serving]:
    """Serve on a free port until the context is left."""
    environment = environment or bare_environment(folder)
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [*command, "serve", *arguments],
        env={**environment, "PORT": address.partition(":")[2]},
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # no signal that is meant for it can hit the tests
    )
    running = Serving(process, address, folder, environment)
    try:
        wait(lambda: running.ask("/live"))
        yield running
    finally:
        process.kill()
        process.communicate()


def wait(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Return as soon as `condition` holds; fail where it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def members(group: int) -> list[int]:
    """The live processes of a group."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.getpgid(int(entry.name)) == group:
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                found += [int(entry.name)] if state != "Z" else []
        except (ProcessLookupError, FileNotFoundError):
            continue
    return found


def free_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
