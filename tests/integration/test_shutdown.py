"""Shutdown: every client gets an answer, and no process keeps running."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from support.gateway import KEY
from support.serving import Serving, bare_environment, measured, members, serving
from support.waiting import until

from modegate.entrypoints.http.server.listener import listen
from modegate.entrypoints.http.server.server import GatewayServer
from modegate.testing.scripted_claude import ScriptedClaude, answer, begin, word

BODY = {"model": "sonnet", "messages": [{"role": "user", "content": "Hi"}]}
CLAUDE = {"X-Claude-Code": "1"}
HANG = {"hang": 0}
LONG_MS = "600000"


@pytest.fixture
def claude(tmp_path: Path) -> ScriptedClaude:
    folder = tmp_path / "scripted"
    folder.mkdir()
    return ScriptedClaude(folder, *begin(), word("Hello"), HANG)


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(timeout=30, trust_env=False) as client:
        yield client


def environment(claude: ScriptedClaude, tmp_path: Path, **settings: str) -> dict[str, str]:
    return (
        bare_environment(tmp_path)
        | measured()
        | {
            "ANTHROPIC_API_KEY": KEY,
            "CLAUDE_PATH": str(claude.path),
            **settings,
        }
    )


async def ask(http: httpx2.AsyncClient, running: Serving, **params: Any) -> httpx2.Response:
    url = f"{running.url}/v1/chat/completions"
    return await http.post(url, json=BODY | params, headers=CLAUDE)


async def ended(running: Serving, seconds: float = 30) -> int:
    return await asyncio.to_thread(running.process.wait, seconds)


def alive(claude: ScriptedClaude) -> list[int]:
    return [pid for start in claude.starts for pid in members(int(str(start["pid"])))]


async def test_shutdown_finishes_running_requests_and_rejects_new_ones(
    claude: ScriptedClaude, http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    go_on = tmp_path / "go-on"
    claude.script(
        *begin(), word("Hello "), {"wait_for": str(go_on)}, *answer("Hello ", "there.")[4:]
    )
    with serving(folder=tmp_path, environment=environment(claude, tmp_path)) as running:
        kept = httpx2.AsyncClient(base_url=running.url, timeout=30, trust_env=False)
        async with kept:
            await kept.get("/live")
            asking = asyncio.create_task(ask(http, running, stream=True))
            await until(lambda: claude.starts)
            running.process.send_signal(signal.SIGTERM)
            await until(lambda: (running.ask("/health") or {}).get("status") == "draining")
            health = await kept.get("/health")
            assert (health.status_code, health.json()["status"]) == (503, "draining")
            assert (await kept.get("/live")).status_code == 200
            for client in (kept, httpx2.AsyncClient(base_url=running.url, trust_env=False)):
                refused = await client.post("/v1/chat/completions", json=BODY, headers=CLAUDE)
                assert refused.status_code == 503
                assert refused.json()["error"]["code"] == "server_shutting_down"
                assert refused.headers["Retry-After"] == "1"
            await client.aclose()
        go_on.touch()
        finished = await asking
        assert "stream_error" not in finished.text
        assert finished.text.endswith("data: [DONE]\n\n")
        assert '"finish_reason":"stop"' in finished.text
        assert await ended(running) == 0
    assert not alive(claude)


async def test_with_a_delay_a_draining_gateway_serves_until_the_balancer_has_noticed(
    claude: ScriptedClaude, tmp_path: Path
) -> None:
    claude.script(*answer("Hello ", "there."))
    settings = {"DRAIN_DELAY_MS": LONG_MS}
    with serving(folder=tmp_path, environment=environment(claude, tmp_path, **settings)) as running:
        async with httpx2.AsyncClient(base_url=running.url, timeout=30, trust_env=False) as kept:
            before = await kept.get("/health")
            assert (before.status_code, before.headers.get("Connection")) == (200, None)
            running.process.send_signal(signal.SIGTERM)
            await until(lambda: (running.ask("/health") or {}).get("status") == "draining")
            for _ in range(2):  # the second one comes on a new connection
                served = await kept.post("/v1/chat/completions", json=BODY, headers=CLAUDE)
                assert served.json()["choices"][0]["message"]["content"] == "Hello there."
                assert served.headers["Connection"] == "close"
        running.process.send_signal(signal.SIGTERM)  # stops at once, also during the delay
        await ended(running)
    assert not alive(claude)


async def test_after_the_delay_a_draining_gateway_rejects_and_ends(
    claude: ScriptedClaude, http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    settings = {"DRAIN_DELAY_MS": "300", "SHUTDOWN_TIMEOUT_MS": LONG_MS}
    go_on = tmp_path / "go-on"
    claude.script(
        *begin(), word("Hello "), {"wait_for": str(go_on)}, *answer("Hello ", "there.")[4:]
    )
    with serving(folder=tmp_path, environment=environment(claude, tmp_path, **settings)) as running:
        asking = asyncio.create_task(ask(http, running))
        await until(lambda: claude.starts)
        running.process.send_signal(signal.SIGTERM)
        await until(lambda: "error" in (running.ask("/v1/models") or {}))
        refused = await http.get(f"{running.url}/v1/models")
        assert refused.json()["error"]["code"] == "server_shutting_down"
        go_on.touch()
        finished = await asking
        assert finished.headers["Connection"] == "close"
        assert finished.json()["choices"][0]["message"]["content"] == "Hello there."
        assert await ended(running) == 0


async def test_clients_connected_at_shutdown_get_an_error_response_or_event(
    claude: ScriptedClaude, http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    settings = {"SHUTDOWN_TIMEOUT_MS": "500", "MAX_CONCURRENT_PROCESSES": "2"}
    with serving(folder=tmp_path, environment=environment(claude, tmp_path, **settings)) as running:
        streamed = asyncio.create_task(ask(http, running, stream=True))
        whole = asyncio.create_task(ask(http, running))
        await until(lambda: len(claude.starts) == 2)
        queued = asyncio.create_task(ask(http, running))
        await until(
            lambda: '"queued":1' in json.dumps(running.ask("/health"), separators=(",", ":"))
        )
        running.process.send_signal(signal.SIGTERM)
        first = await queued
        assert first.json()["error"]["code"] == "server_shutting_down"
        response = await whole
        assert response.status_code == 503
        assert response.headers["X-Backend-Mode"] == "claude-code"
        assert response.json()["error"]["code"] == "server_shutting_down"
        *_, error, done, end = (await streamed).text.split("\n\n")
        assert json.loads(error.removeprefix("data: "))["error"]["code"] == "stream_error"
        assert (done, end) == ("data: [DONE]", "")
        assert await ended(running) == 0
        log = [line for line in running.log() if line.get("route") == "/v1/chat/completions"]
    assert log[0]["request_id"] == first.headers["X-Request-ID"], "it is rejected at once"
    assert not alive(claude)


async def test_processes_that_ignore_sigterm_are_killed_at_shutdown(
    claude: ScriptedClaude, http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    claude.script({"ignore_sigterm": 0}, {"orphan": 60}, *begin(), word("Hello"), HANG)
    settings = {"SHUTDOWN_TIMEOUT_MS": "300"}
    with serving(folder=tmp_path, environment=environment(claude, tmp_path, **settings)) as running:
        asking = asyncio.create_task(ask(http, running, stream=True))
        await until(lambda: claude.starts)
        running.process.send_signal(signal.SIGTERM)
        assert "stream_error" in (await asking).text
        assert await ended(running) == 0
    await until(lambda: not alive(claude))


async def test_a_second_signal_stops_the_gateway_at_once(
    claude: ScriptedClaude, http: httpx2.AsyncClient, tmp_path: Path
) -> None:
    settings = {"SHUTDOWN_TIMEOUT_MS": LONG_MS}
    with serving(folder=tmp_path, environment=environment(claude, tmp_path, **settings)) as running:
        whole = asyncio.create_task(ask(http, running))
        streamed = asyncio.create_task(ask(http, running, stream=True))
        await until(lambda: len(claude.starts) == 2)
        running.process.send_signal(signal.SIGINT)
        await until(lambda: (running.ask("/health") or {}).get("status") == "draining")
        running.process.send_signal(signal.SIGINT)
        await ended(running)
        response = await whole
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "1"
        assert response.json()["error"]["code"] == "server_shutting_down"
        if (response := await streamed).status_code == 200:
            assert "stream_error" in response.text
            assert response.text.endswith("data: [DONE]\n\n")
    await until(lambda: not alive(claude))


async def test_a_second_signal_does_not_wait_for_the_lifespan_shutdown() -> None:
    ending = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        ending.set()
        await asyncio.Event().wait()

    async def drain() -> None:
        return

    server = GatewayServer(uvicorn.Config(app, port=0, log_config=None, lifespan="on"), drain)
    serving = asyncio.create_task(server.serve([listen("127.0.0.1", 0)]))
    await until(lambda: server.started)
    server.stop()
    await ending.wait()
    assert not serving.done()
    server.stop()
    async with asyncio.timeout(30):
        await serving


def test_an_idle_gateway_exits_at_once_on_sigterm(tmp_path: Path) -> None:
    environment = bare_environment(tmp_path) | {"SHUTDOWN_TIMEOUT_MS": LONG_MS}
    with serving(folder=tmp_path, environment=environment) as running:
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(30) == 0


async def test_an_exception_during_server_shutdown_is_raised() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan"
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()

    async def drain() -> None:
        raise RuntimeError("of the drain")  # must not prevent the shutdown

    class Broken:
        def close(self) -> None:
            raise RuntimeError("of the end")

    server = GatewayServer(uvicorn.Config(app, port=0, log_config=None, lifespan="on"), drain)
    serving = asyncio.create_task(server.serve([listen("127.0.0.1", 0)]))
    await until(lambda: server.started)
    (acceptor,) = server.servers
    server.servers = [Broken()]  # type: ignore[list-item]
    server.stop()
    with pytest.raises(RuntimeError, match="of the end"):
        await serving
    acceptor.close()


FAILING = """
from modegate.adapters.sqlite.session_store import SqliteSessionStore
async def fail(self): raise OSError("the disk is gone")
SqliteSessionStore.aclose = fail
from modegate.entrypoints.cli.main import main
raise SystemExit(main())
"""


def test_a_failed_close_at_shutdown_exits_with_status_1(tmp_path: Path) -> None:
    with serving(folder=tmp_path, command=[sys.executable, "-c", FAILING]) as running:
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(15) == 1
        assert any("shutdown failed" in str(line["message"]) for line in running.log())
