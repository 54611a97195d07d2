"""What survives `kill -9`, and what workers share."""

import json
import sqlite3
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.serving import COLD, Serving, bare_environment, serving, wait

ADMIN_KEY = "sk-admin-0123456789"
ANSWER = b'{"choices":[{"message":{"content":"Hi"},"finish_reason":"stop"}]}'
# A gateway whose upstream has two credentials, `a` and `b`.
TWO_CREDENTIALS = """
import sys
from modegate.domain.access.api_key import ApiKey
from modegate.domain.credentials.credential import Credential
from modegate.domain.routing.route import Routes
from modegate.domain.routing.upstream import Upstream
from modegate.entrypoints.cli.main import main
from modegate.entrypoints.config import mapping

def routes(settings, *_):
    credentials = tuple(Credential(it, ApiKey("sk-" + it)) for it in "ab")
    base_url = settings.openai_base_url
    upstream = Upstream(name="test", base_url=base_url, credentials=credentials)
    return Routes(upstreams=(upstream,))

mapping.routes = routes
sys.exit(main(sys.argv[1:]))
"""


class Upstream(ThreadingHTTPServer):
    """Rejects the key `sk-a` with 429; `keys` are those that it got; `gate` lets it answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.keys: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Upstream

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        key = self.headers["authorization"].removeprefix("Bearer ")
        self.server.keys.append(key)
        self.server.gate.wait(30)
        self.send_response(429 if key == "sk-a" else 200)
        self.send_header("Retry-After", "600")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        """Logs nothing."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.gate.set()
        server.shutdown()
        thread.join()


@contextmanager
def operated(
    folder: Path, upstream: Upstream, *arguments: str, script: str | None = None, **settings: str
) -> Iterator[Serving]:
    environment = {
        **bare_environment(folder),
        **COLD,
        "ADMIN_KEY": ADMIN_KEY,
        "OPENAI_BASE_URL": upstream.url,
        "RATE_LIMIT_PER_IP": "1000000",
        "UPSTREAM_MAX_RETRIES": "0",
        **settings,
    }
    command = [sys.executable, "-c", script] if script else [sys.executable, "-m", "modegate"]
    with serving(*arguments, folder=folder, environment=environment, command=command) as running:
        yield running


def admin(running: Serving, method: str, path: str, body: object = None) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{running.url}/admin/{path}",
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {ADMIN_KEY}", "Content-Type": "application/json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return dict(json.load(response))


def states(running: Serving) -> Mapping[str, str]:
    return {it["id"]: it["state"] for it in admin(running, "GET", "credentials")["data"]}


def ask(running: Serving) -> str:
    answer = running.ask("/v1/chat/completions", {"model": "m", "messages": []})
    assert answer is not None
    error = answer.get("error")
    return str(error["code"]) if isinstance(error, dict) else "ok"


def all_answer(running: Serving, outcome: str) -> bool:
    """Asks often enough for both workers: each request has a connection of its own."""
    return {ask(running) for _ in range(20)} == {outcome}


def test_a_change_survives_a_kill_right_after_its_answer(
    tmp_path: Path, upstream: Upstream
) -> None:
    for enabled in (False, True):
        with operated(tmp_path, upstream, OPENAI_API_KEY="sk-b") as running:
            changed = admin(running, "PATCH", "credentials/env", {"enabled": enabled})
            running.process.kill()
        with operated(tmp_path, upstream, OPENAI_API_KEY="sk-b") as running:
            assert states(running)["env"] == changed["state"]
            assert ask(running) == ("ok" if enabled else "no_credentials_available")


def stored_cooldowns(folder: Path) -> list[str]:
    """Returns the ids of credentials that the database knows as cooling."""
    path = folder / "state" / "credentials.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        rows = database.execute("SELECT id, state FROM credentials").fetchall()
    return [name for name, state in rows if json.loads(state)["cooldown"] is not None]


def test_a_cool_down_survives_a_kill(tmp_path: Path, upstream: Upstream) -> None:
    with operated(tmp_path, upstream, script=TWO_CREDENTIALS) as running:
        assert ask(running) == "ok"
        wait(lambda: stored_cooldowns(tmp_path) == ["a"])
        running.process.kill()
    assert upstream.keys == ["sk-a", "sk-b"]
    with operated(tmp_path, upstream, script=TWO_CREDENTIALS) as running:
        assert ask(running) == "ok"
        assert states(running)["a"] == "cooling"
    assert upstream.keys == ["sk-a", "sk-b", "sk-b"]


def test_workers_share_a_change(tmp_path: Path, upstream: Upstream) -> None:
    with operated(tmp_path, upstream, "--workers", "2", OPENAI_API_KEY="sk-b") as running:
        for enabled, outcome in ((False, "no_credentials_available"), (True, "ok")):
            admin(running, "PATCH", "credentials/env", {"enabled": enabled})
            wait(partial(all_answer, running, outcome))


def test_workers_that_count_do_not_undo_a_change(tmp_path: Path, upstream: Upstream) -> None:
    with operated(tmp_path, upstream, "--workers", "2", OPENAI_API_KEY="sk-b") as running:
        for _ in range(50):
            assert ask(running) == "ok"
        admin(running, "PATCH", "credentials/env", {"enabled": False})
        wait(partial(all_answer, running, "no_credentials_available"))

        def counted() -> bool:
            (env,) = [
                it for it in admin(running, "GET", "credentials")["data"] if it["id"] == "env"
            ]
            return bool(env["requests"] == len(upstream.keys))

        # One worker may have answered all requests; the other one may not know the change yet.
        wait(counted)
        wait(lambda: {states(running)["env"] for _ in range(20)} == {"disabled"})


def test_admin_answers_while_the_gateway_drains(tmp_path: Path, upstream: Upstream) -> None:
    with operated(tmp_path, upstream, OPENAI_API_KEY="sk-b") as running:
        upstream.gate.clear()
        asking = threading.Thread(target=ask, args=(running,))
        asking.start()
        wait(lambda: upstream.keys)
        running.process.terminate()
        wait(lambda: (running.ask("/health") or {}).get("status") == "draining")
        assert states(running)["env"] == "ready"
        upstream.gate.set()
        asking.join()
        assert running.process.wait(30) == 0
