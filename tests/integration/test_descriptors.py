"""A gateway that runs out of file descriptors logs it, waits and recovers."""

import http.client
import json
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.gateway import KEY
from support.serving import MODEGATE, Serving, bare_environment, serving, wait

from modegate.testing.scripted_claude import ScriptedClaude, answer

pytestmark = pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="only Linux can limit a running process"
)
BODY = {"model": "sonnet", "messages": [{"role": "user", "content": "Hi"}]}
# The error may name the session's lock or a pipe: whichever the spawn needed first.
START_FAILED = ": Too many open files"
LIMITED = "import os, resource, sys; n = int(sys.argv[1]); \
resource.setrlimit(resource.RLIMIT_NOFILE, (n, n)); os.execv(sys.argv[2], sys.argv[2:])"


@dataclass
class Watched:
    """A running gateway, its log so far and a persistent connection."""

    running: Serving
    lines: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.kept = self.connection()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        return self.running.process.pid

    def connection(self) -> http.client.HTTPConnection:
        host, port = self.running.address.split(":")
        return http.client.HTTPConnection(host, int(port), timeout=30)

    def chat(self) -> tuple[http.client.HTTPResponse, Any]:
        headers = {"Content-Type": "application/json", "X-Claude-Code": "true"}
        self.kept.request("POST", "/v1/chat/completions", json.dumps(BODY), headers)
        response = self.kept.getresponse()
        return response, json.load(response)

    def logged(self, message: str) -> int:
        return sum(message in str(line["message"]) for line in list(self.lines))

    def descriptors(self) -> list[str]:
        return [entry.name for entry in Path(f"/proc/{self.pid}/fd").iterdir()]

    def next_descriptor(self) -> int:
        return max(map(int, self.descriptors())) + 1

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _read(self) -> None:
        assert self.running.process.stderr is not None
        with suppress(ValueError):  # the pipe is closed at the end of the test
            for line in self.running.process.stderr:
                self.lines.append(json.loads(line))


@pytest.fixture
def claude(tmp_path: Path) -> ScriptedClaude:
    folder = tmp_path / "scripted"
    folder.mkdir()
    return ScriptedClaude(folder, *answer("Hello"), converses=True)


@pytest.fixture
def environment(
    claude: ScriptedClaude, tmp_path: Path, request: pytest.FixtureRequest
) -> dict[str, str]:
    own = {
        "ANTHROPIC_API_KEY": KEY,
        "CLAUDE_PATH": str(claude.path),
        "CLAUDE_LIVE_SESSIONS": "0",
        "CLAUDE_WARM_PROCESSES": "1",
        "CLAUDE_WARM_MODELS": "none",  # the tests count the starts
    }
    return bare_environment(tmp_path) | own | getattr(request, "param", {})


@pytest.fixture
def watched(environment: dict[str, str], tmp_path: Path) -> Iterator[Watched]:
    with serving(folder=tmp_path, environment=environment) as running:
        watching = Watched(running)
        yield watching
        watching.kept.close()


def pids(claude: ScriptedClaude) -> list[int]:
    return [int(str(start["pid"])) for start in claude.starts]


@pytest.fixture
def clients() -> Iterator[ExitStack]:
    """Closes connections at the end, even if the test fails."""
    with ExitStack() as stack:
        yield stack


def test_spawns_and_accepts_without_free_descriptors_are_retried_with_pauses(
    watched: Watched, claude: ScriptedClaude, clients: ExitStack
) -> None:
    assert watched.chat()[0].status == 200
    wait(lambda: len(claude.starts) == 2)  # of which the second one is prewarmed
    before = resource.prlimit(watched.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(watched.pid, resource.RLIMIT_NOFILE, (watched.next_descriptor(), before[1]))
    peer = watched.kept.sock.getpeername()
    waiting = [clients.enter_context(socket.create_connection(peer)) for _ in range(40)]
    wait(lambda: watched.logged("connections cannot be accepted") == 1)
    os.kill(pids(claude)[-1], signal.SIGKILL)
    wait(lambda: watched.logged(START_FAILED) >= 1)
    began, used = time.monotonic(), watched.cpu_seconds()
    failed = watched.logged(START_FAILED)
    # Two more, to cover one whole pause; each pause is twice as long as the last.
    wait(lambda: watched.logged(START_FAILED) >= failed + 2, seconds=120)
    assert (watched.cpu_seconds() - used) / (time.monotonic() - began) < 0.5
    response, body = watched.chat()
    # The code depends on which found no descriptor first: the session's directory or the process.
    assert response.status == 503
    assert body["error"]["code"] in {"backend_unavailable", "storage_unavailable"}
    assert response.getheader("Retry-After")
    assert "missing" not in body["error"]["message"]
    resource.prlimit(watched.pid, resource.RLIMIT_NOFILE, before)
    for client in waiting:
        client.settimeout(30)
        client.sendall(b"GET /live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")
        client.close()
    wait(lambda: watched.chat()[0].status == 200)


@pytest.mark.parametrize("environment", [{"CLAUDE_WARM_PROCESSES": "0"}], indirect=True)
def test_failed_spawns_leave_no_descriptor_open(watched: Watched) -> None:
    assert watched.chat()[0].status == 200
    before = resource.prlimit(watched.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(watched.pid, resource.RLIMIT_NOFILE, (watched.next_descriptor(), before[1]))
    open_before, failed = len(watched.descriptors()), 0
    for room in range(30):  # the spawn fails at another step each time, until there is enough
        limit = watched.next_descriptor() + room
        resource.prlimit(watched.pid, resource.RLIMIT_NOFILE, (limit, before[1]))
        if watched.chat()[0].status == 200:
            break
        failed += 1
    # A spawn needs twelve; a free one below the highest that is open adds to the room.
    assert 8 <= failed < 30
    wait(lambda: len(watched.descriptors()) <= open_before)


def test_connections_beyond_the_descriptor_limit_get_a_429_response(
    environment: dict[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, "-c", LIMITED, "64", *MODEGATE]
    with serving(folder=tmp_path, environment=environment, command=command) as running:
        watched = Watched(running)
        assert watched.chat()[0].status == 200
        address = watched.kept.sock.getpeername()
        held = [watched.connection() for _ in range(40)]  # idle ones make room for others
        for client in held:
            assert models(client) == (200, None)
        silent = [socket.create_connection(address) for _ in range(16)]  # which are not idle
        refused = watched.connection()
        wait(lambda: models(refused) == (429, "5"))
        assert (watched.running.ask("/live") or {}).get("status") == "live"
        for busy in silent:
            busy.close()
        watched.kept.close()
        wait(lambda: watched.chat()[0].status == 200)
        for client in [*held, refused, watched.kept]:
            client.close()


def models(client: http.client.HTTPConnection) -> tuple[int, str | None]:
    client.request("GET", "/v1/models")
    response = client.getresponse()
    response.read()
    return response.status, response.headers["Retry-After"]
