"""Runs `modegate serve` in a separate process."""

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
# Each prewarmed process costs a second of CPU time, which most tests cannot spare.
COLD = {"CLAUDE_WARM_PROCESSES": "0"}


@dataclass(frozen=True)
class Serving:
    """A gateway process, its address and its start parameters."""

    process: subprocess.Popen[str]
    address: str
    folder: Path
    environment: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def ask(self, path: str, body: object = None, **headers: str) -> dict[str, object] | None:
        """Requests a path and returns the JSON; None if nothing listens."""
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
        """Waits until the process exits and returns its log records."""
        _, told = self.process.communicate(timeout=30)
        return [json.loads(line) for line in told.splitlines()]


def measured() -> dict[str, str]:
    """Returns the variables with which the coverage of a process is measured, if that of pytest is.

    They double the time of its start, so only processes that run otherwise untested code have them.
    A killed process leaves no data.
    """
    return {name: value for name, value in os.environ.items() if name.startswith("COV")}


# For tests that run pytest: the plugins of all packages here take seconds to import.
FEW_PLUGINS = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_PLUGINS": "anyio.pytest_plugin",
}


def bare_environment(home: Path) -> dict[str, str]:
    """Returns a minimal environment."""
    return {
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
    """Serves on a free port until the context exits."""
    environment = environment or bare_environment(folder)
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [*command, "serve", *arguments],
        env={**environment, "PORT": address.partition(":")[2]},
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # signals to its group must not reach the tests
    )
    running = Serving(process, address, folder, environment)
    try:
        wait(lambda: running.ask("/live"))
        yield running
    finally:
        process.kill()
        process.communicate()


def wait(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Returns as soon as `condition` holds; fails if it does not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def members(group: int) -> list[int]:
    """Returns the PIDs of the live processes of a process group."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.getpgid(int(entry.name)) == group:
                state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                found += [int(entry.name)] if state != "Z" else []
        except (ProcessLookupError, FileNotFoundError):
            continue
    return found


def listens(port: int) -> bool:
    """Whether something listens on a port of loopback."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    """Returns a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
