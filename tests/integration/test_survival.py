"""Sessions survive a restart of the gateway, however it ended."""

import asyncio
import signal
from pathlib import Path

import httpx2
import pytest
from support.gateway import KEY
from support.serving import Serving, bare_environment, serving
from support.waiting import until

from modegate.simulator.api import Says
from modegate.simulator.provider import SimulatedProvider
from modegate.testing.scripted_claude import ScriptedClaude

SESSION = "X-Claude-Session-ID"


async def ask(running: Serving, text: str, session: str | None = None) -> httpx2.Response:
    headers = {"X-Claude-Code": "true"} | ({SESSION: session} if session else {})
    body = {"model": "sonnet", "messages": [{"role": "user", "content": text}]}
    async with httpx2.AsyncClient(base_url=running.url, timeout=30, trust_env=False) as http:
        return await http.post("/v1/chat/completions", json=body, headers=headers)


@pytest.mark.parametrize(
    "end", [pytest.param(signal.SIGTERM, marks=pytest.mark.exhaustive), signal.SIGKILL]
)
async def test_a_conversation_can_be_resumed_after_a_restart_or_a_crash(
    end: signal.Signals, provider: SimulatedProvider, tmp_path: Path
) -> None:
    environment = bare_environment(tmp_path) | {
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": provider.url,
    }
    with serving(folder=tmp_path, environment=environment) as running:
        session = (await ask(running, "My name is Ada.")).headers[SESSION]
        running.process.send_signal(end)
        running.process.wait(15)
    with serving(folder=tmp_path, environment=environment) as running:
        answered = await ask(running, "What is my name?", session)
    assert answered.status_code == 200
    assert answered.headers[SESSION] == session
    assert "My name is Ada." in provider.requests[-1].body.decode()


# The scripted CLI shows the same for each moment of the kill, in seconds.
@pytest.mark.exhaustive
async def test_a_turn_that_ran_at_a_kill_is_undone_and_an_answered_one_is_kept(
    provider: SimulatedProvider, tmp_path: Path
) -> None:
    environment = bare_environment(tmp_path) | {
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": provider.url,
    }
    with serving(folder=tmp_path, environment=environment) as running:
        session = (await ask(running, "My name is Ada.")).headers[SESSION]
        await ask(running, "My cat is Tom.", session)
        provider.script(Says("one two three", delay=60.0))
        with pytest.raises(httpx2.TransportError):
            await kill_after_first_word(running, "Forget this.", session)
        running.process.wait(15)
    with serving(folder=tmp_path, environment=environment) as running:
        answered = await ask(running, "What is my name?", session)
    assert answered.status_code == 200
    told = provider.requests[-1].body.decode()
    assert "My name is Ada." in told
    assert "My cat is Tom." in told
    assert "Forget this." not in told


async def kill_after_first_word(running: Serving, text: str, session: str) -> None:
    body = {"model": "sonnet", "stream": True, "messages": [{"role": "user", "content": text}]}
    headers = {"X-Claude-Code": "true", SESSION: session}
    async with (
        httpx2.AsyncClient(base_url=running.url, timeout=30, trust_env=False) as http,
        http.stream("POST", "/v1/chat/completions", json=body, headers=headers) as stream,
    ):
        async for line in stream.aiter_lines():
            if "one" in line:
                running.process.kill()


async def test_the_directory_of_a_killed_first_turn_is_removed_at_the_next_start(
    tmp_path: Path,
) -> None:
    scripted = tmp_path / "scripted"
    scripted.mkdir()
    claude = ScriptedClaude(scripted, {"hang": 0})
    environment = bare_environment(tmp_path) | {
        "ANTHROPIC_API_KEY": KEY,
        "CLAUDE_PATH": str(claude.path),
    }
    sessions = tmp_path / "state" / "sessions"
    with serving(folder=tmp_path, environment=environment) as running:
        asking = asyncio.create_task(ask(running, "Hi"))
        await until(lambda: claude.starts)
        running.process.kill()
        running.process.wait(15)
        with pytest.raises(httpx2.TransportError):
            await asking
    assert list(sessions.iterdir())
    with serving(folder=tmp_path, environment=environment):
        await until(lambda: not list(sessions.iterdir()))
