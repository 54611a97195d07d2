"""`modegate serve --workers N`."""

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.serving import COLD, MODEGATE, Serving, bare_environment, measured, serving, wait

from modegate.simulator.loopback_server import LoopbackServer, Reply, Request

PARENT = re.compile(r"^PPid:\s+(\d+)$", re.MULTILINE)


def children(pid: int) -> set[int]:
    """Returns the pids of a process's children."""
    found = set()
    for entry in Path("/proc").iterdir():
        try:
            status = (entry / "status").read_text() if entry.name.isdigit() else ""
        except OSError:
            continue
        if (parent := PARENT.search(status)) and int(parent[1]) == pid:
            found.add(int(entry.name))
    return found


def gone(pids: set[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Serving]:
    with serving("--workers", "2", folder=tmp_path) as it:
        yield it


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.exhaustive)]
)
def test_a_signal_ends_all_workers_with_status_0(number: signal.Signals, running: Serving) -> None:
    workers = children(running.process.pid)
    assert len(workers) == 2
    running.process.send_signal(number)
    assert running.process.wait(15) == 0
    assert gone(workers)
    warning, *_ = running.log()
    assert "limits" in str(warning["message"])
    assert warning["level"] == "warn"


def metrics(running: Serving) -> tuple[float, float]:
    """Returns the number of requests without a route, and the slots, by any of the workers."""
    with urllib.request.urlopen(f"{running.url}/metrics", timeout=30) as response:
        text = response.read().decode()
    samples = [it for family in text_string_to_metric_families(text) for it in family.samples]
    slots = sum(it.value for it in samples if it.name == "modegate_slots")
    requests = (it for it in samples if it.name == "modegate_requests_total")
    return sum(it.value for it in requests if it.labels["endpoint"] == "other"), slots


def test_a_worker_that_exits_is_replaced_and_its_metrics_continue(running: Serving) -> None:
    first = children(running.process.pid)
    for _ in range(30):
        assert running.ask("/nothing/here")
    wait(lambda: metrics(running) == (30, 20))
    os.kill(min(first), signal.SIGKILL)
    wait(lambda: len(children(running.process.pid) - first) == 1)
    wait(lambda: running.ask("/live"))
    assert {metrics(running)[0] for _ in range(10)} == {30}
    wait(lambda: metrics(running) == (30, 20))
    assert running.ask("/nothing/here")
    wait(lambda: metrics(running) == (31, 20))
    running.process.terminate()
    assert running.process.wait(15) == 0


def test_workers_end_when_their_supervisor_is_killed(running: Serving) -> None:
    workers = children(running.process.pid)
    running.process.kill()
    running.process.wait(15)
    wait(lambda: gone(workers))


def test_workers_start_without_usable_session_storage(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file, where a folder is meant")
    environment = bare_environment(tmp_path) | {"MODEGATE_STATE_DIR": str(tmp_path / "state")}
    with serving("--workers", "2", folder=tmp_path, environment=environment) as it:
        assert it.ask("/live")  # only sessions are unavailable


def test_a_session_started_by_one_worker_can_be_resumed_in_another(tmp_path: Path) -> None:
    settings = bare_environment(tmp_path) | measured() | COLD
    body = {"model": "sonnet", "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"Content-Type": "application/json", "X-Claude-Code": "true"}
    with serving("--offline", "--workers", "2", folder=tmp_path, environment=settings) as it:
        url = f"{it.url}/v1/chat/completions"
        request = urllib.request.Request(url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=60) as begun:
            session = begun.headers["X-Claude-Session-ID"]
        answers = [it.ask(f"/v1/sessions/{session}") for _ in range(16)]
        assert it.ask("/v1/chat/completions", body, X_Claude_Session_ID=session)
        it.process.terminate()
        assert it.process.wait(15) == 0
    assert [answer and answer.get("id") for answer in answers] == [session] * 16


# A signal arrives after a worker has exited, but before the supervisor has removed it.
LATE = """
import os, signal
from modegate.entrypoints.http.server.supervisor import Supervisor

class Late(Supervisor):
    def _ended(self, pid, code):
        os.kill(os.getpid(), signal.SIGTERM)
        super()._ended(pid, code)

raise SystemExit(Late(1, lambda *_: 0).run())
"""


def test_a_signal_while_a_worker_exits_stops_the_supervisor_with_status_0(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", LATE],
        env=bare_environment(tmp_path) | measured(),
        capture_output=True,
        text=True,
        check=False,
        timeout=15,
    )
    assert (told.returncode, told.stderr) == (0, "")


HEAD = {"content-type": "text/event-stream"}
WORD = b'data: {"choices":[{"index":0,"delta":{"content":"First"}}]}\n\n'
ASKED = json.dumps({"model": "x", "stream": True, "messages": [{"role": "user", "content": "Hi"}]})


@dataclass(frozen=True)
class Streaming:
    """A gateway with a stream in progress; `released` lets the upstream send the rest."""

    gateway: Serving
    response: http.client.HTTPResponse
    released: asyncio.Event

    async def rest(self) -> bytes:
        self.released.set()
        return await asyncio.to_thread(self.response.read)


@pytest.fixture
async def streaming(tmp_path: Path) -> AsyncIterator[Streaming]:
    released = asyncio.Event()

    async def answer(_: Request, reply: Reply) -> None:
        await reply.begin(HEAD)
        await reply.chunk(WORD)
        await released.wait()
        await reply.chunk(b"data: [DONE]\n\n")
        await reply.end()

    async with LoopbackServer(answer).running() as url:
        upstream = {"OPENAI_API_KEY": "sk-x", "OPENAI_BASE_URL": f"{url}/v1"}
        settings = bare_environment(tmp_path) | upstream | COLD
        with serving("--workers", "2", folder=tmp_path, environment=settings) as it:
            connection = http.client.HTTPConnection(it.address, timeout=60)
            head = {"Content-Type": "application/json"}
            await asyncio.to_thread(connection.request, "POST", "/v1/chat/completions", ASKED, head)
            response = await asyncio.to_thread(connection.getresponse)
            assert await asyncio.to_thread(response.readline) == WORD.splitlines(keepends=True)[0]
            yield Streaming(it, response, released)
            released.set()
            connection.close()


async def test_workers_ignore_sigterm_and_finish_streams_when_the_supervisor_stops(
    streaming: Streaming,
) -> None:
    process = streaming.gateway.process
    for pid in children(process.pid):
        os.kill(pid, signal.SIGTERM)
    for _ in range(20):  # only the supervisor's command starts the drain
        health = await asyncio.to_thread(streaming.gateway.ask, "/health")
        assert health
        assert health["status"] == "ready"
    process.terminate()
    await draining(streaming.gateway)
    rest = await streaming.rest()
    assert b"[DONE]" in rest
    assert b"error" not in rest
    assert await asyncio.to_thread(process.wait, 15) == 0


async def test_a_second_signal_ends_all_workers_at_once(streaming: Streaming) -> None:
    process = streaming.gateway.process
    process.terminate()
    await draining(streaming.gateway)
    process.terminate()
    assert await asyncio.to_thread(process.wait, 8) == 0
    assert not streaming.released.is_set()


async def test_killing_the_supervisor_frees_the_address_before_streams_finish(
    streaming: Streaming,
) -> None:
    process = streaming.gateway.process
    workers = children(process.pid)
    process.kill()
    await asyncio.to_thread(wait, lambda: is_free(streaming.gateway.address))
    rest = await streaming.rest()
    assert b"[DONE]" in rest
    assert b"error" not in rest
    await asyncio.to_thread(wait, lambda: gone(workers))


async def draining(gateway: Serving) -> None:
    """Waits until a worker accepts no new requests."""
    states = iter(lambda: gateway.ask("/health") or {}, None)
    await asyncio.to_thread(wait, lambda: next(states).get("status") != "ready")


def is_free(address: str) -> bool:
    """Whether a server can listen on the address."""
    host, _, port = address.partition(":")
    with socket.socket() as listener, suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, int(port)))
        listener.listen()
        return True
    return False


@pytest.mark.parametrize("number", ["0", "-1", "many", "257"])
def test_an_invalid_number_of_workers_is_a_usage_error(number: str, tmp_path: Path) -> None:
    told = subprocess.run(
        [*MODEGATE, "serve", "--workers", number],
        env=bare_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=15,
    )
    assert told.returncode == 2
    assert "must be 1 to 256" in told.stderr


# In a subprocess: a fork of this process, which has threads, may deadlock.
FAILING_STARTS = """
import errno, logging, os, signal, sys, time
from modegate.entrypoints.http.server.supervisor import RETRY_DELAY_S, Supervisor

call, failing, pauses = sys.argv[1], [OSError(errno.EAGAIN, "used up")] * 3, []
real = getattr(os, call)

def fail_at_first():
    if failing:
        raise failing.pop()
    return real()

def work(channel, first):
    if not first:
        os.kill(os.getppid(), signal.SIGTERM)
    return int(os.read(channel.orders, 1) != b"s")

logging.basicConfig(stream=sys.stdout, format="%(message)s")
setattr(os, call, fail_at_first)
time.sleep = pauses.append
status = Supervisor(2, work).run()
print(status, pauses == [RETRY_DELAY_S] * 2)
"""


@pytest.mark.parametrize("call", ["pipe", "fork"])
def test_a_worker_that_cannot_be_started_is_retried_after_a_delay(call: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FAILING_STARTS, call],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.count("a worker cannot be started (used up): trying again") == 3
    assert done.stdout.splitlines()[-1] == "0 True"
