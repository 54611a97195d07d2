"""Prewarmed processes, which start before their request arrives."""

import asyncio
import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest
from support.gateway import Gateway, GatewayFactory
from support.serving import members
from support.waiting import until

from modegate.adapters.claude_cli.pool import prewarmed, prewarmed_stock
from modegate.domain.session import SessionId
from modegate.simulator.provider import SimulatedProvider
from modegate.testing.scripted_claude import ScriptedClaude, answer

SESSION = "X-Claude-Session-ID"


@pytest.fixture(autouse=True)
def shorten_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the pauses that leave the machine to other work."""
    monkeypatch.setattr(prewarmed, "START_INTERVAL_S", 0.01)
    monkeypatch.setattr(prewarmed, "CHECK_INTERVAL_S", 0.05)


@pytest.fixture
def claude(tmp_path: Path) -> ScriptedClaude:
    folder = tmp_path / "scripted"
    folder.mkdir()
    return ScriptedClaude(folder, *answer("Hello ", "there."), converses=True)


def capacity(gateway: Gateway) -> Any:
    return gateway.container.claude_cli().status().capacity


def argument(start: dict[str, Any], name: str) -> str:
    return next(str(it).partition("=")[2] for it in start["arguments"] if it.startswith(name))


def has_directory(start: dict[str, Any]) -> bool:
    return Path(str(start["folder"])).is_dir()


async def prewarm(
    gateway: Gateway, number: int = 2, claude: ScriptedClaude | None = None, **params: Any
) -> None:
    """Sends a request and waits until `number` processes are prewarmed."""
    begun = len(claude.starts) if claude else 0
    assert (await gateway.claude(**params)).status_code == 200
    await until(lambda: capacity(gateway).warm == number)
    if claude:
        await until(lambda: len(claude.starts) > begun + 1)


async def test_the_first_request_after_a_start_gets_a_prewarmed_process(
    gateway: GatewayFactory, claude: ScriptedClaude
) -> None:
    settings = {"claude_warm_processes": 1, "claude_warm_models": ("default",)}
    async with gateway(claude_path=str(claude.path), **settings) as running:
        await until(lambda: capacity(running).warm == 1 and len(claude.starts) == 1)
        assert (await running.claude()).status_code == 200
        assert claude.turns[-1]["pid"] == claude.starts[0]["pid"]


async def test_a_new_session_gets_a_prewarmed_process_and_its_session_id(
    gateway: GatewayFactory, claude: ScriptedClaude
) -> None:
    async with gateway(claude_path=str(claude.path), claude_warm_processes=2) as running:
        assert capacity(running).warm == 0
        await prewarm(running, 2, claude)
        await until(lambda: len(claude.starts) == 3)
        ready = {argument(start, "--session-id"): start["pid"] for start in claude.starts[1:]}
        session = (await running.claude("Now.")).headers[SESSION]
        assert claude.turns[-1]["pid"] == ready[session]
        await until(lambda: capacity(running).warm == 2)
        await until(lambda: len(claude.starts) == 4)
        health = (await running.http.get("/health")).json()["checks"]["capacity"]
        assert (health["warm"], health["live"]) == (2, 2)
        metrics = (await running.http.get("/metrics")).text
        assert 'modegate_processes{state="warm"} 2.0' in metrics
        assert 'modegate_processes{state="live"} 2.0' in metrics
    assert not [pid for start in claude.starts for pid in members(int(str(start["pid"])))]
    kept = {
        path.name
        for path in (running.container.settings().modegate_state_dir / "sessions").iterdir()
    }
    assert kept == {argument(claude.starts[0], "--session-id"), session}


async def test_each_used_model_is_prewarmed_for_every_reasoning_effort(
    gateway: GatewayFactory, claude: ScriptedClaude
) -> None:
    async with gateway(claude_path=str(claude.path), claude_warm_processes=1) as running:
        await prewarm(running, 1, claude, model="haiku")
        await prewarm(running, 2, claude, model="opus")
        await until(lambda: len(claude.starts) == 4)
        models = sorted(argument(start, "--model") for start in claude.starts)
        assert models == ["haiku", "haiku", "opus", "opus"]
        ready = {argument(start, "--session-id"): start["pid"] for start in claude.starts}
        answered = await running.claude(model="opus", reasoning_effort="high")
        assert claude.turns[-1]["pid"] == ready[answered.headers[SESSION]]
        assert "X-Claude-Ignored-Params" not in answered.headers


async def test_an_executable_without_changes_of_settings_gets_the_effort_on_its_command_line(
    gateway: GatewayFactory, tmp_path: Path
) -> None:
    old = ScriptedClaude(tmp_path, *answer("Hi"), converses=True, refuses="apply_flag_settings")
    wished: dict[str, Any] = {"reasoning_effort": "high", "max_tokens": 5, "stop": "END", "seed": 1}
    async with gateway(claude_path=str(old.path), claude_warm_processes=1) as running:
        first = await running.claude(**wished)
        assert (
            first.headers["X-Claude-Ignored-Params"] == "seed, reasoning_effort, max_tokens, stop"
        )
        await until(lambda: capacity(running).warm == 1)
        later = await running.claude(stream=True, **wished)
        assert later.headers["X-Claude-Ignored-Params"] == "seed, max_tokens, stop"
        assert argument(old.starts[-1], "--effort") == "high"
        assert capacity(running).warm == 1


async def test_a_prewarmed_process_that_exited_is_replaced_and_its_directory_removed(
    gateway: GatewayFactory, claude: ScriptedClaude
) -> None:
    async with gateway(claude_path=str(claude.path), claude_warm_processes=1) as running:
        await prewarm(running, 1, claude)
        gone = claude.starts[1]
        os.kill(int(str(gone["pid"])), signal.SIGKILL)
        await until(lambda: len(claude.starts) == 3)
        await until(lambda: capacity(running).warm == 1)
        await until(lambda: not has_directory(gone))
        assert (await running.claude()).status_code == 200


async def test_a_prewarmed_process_that_exits_as_its_turn_starts_is_replaced(
    gateway: GatewayFactory, claude: ScriptedClaude
) -> None:
    async with gateway(claude_path=str(claude.path), claude_warm_processes=1) as running:
        await prewarm(running, 1, claude)
        process = int(str(claude.starts[1]["pid"]))
        os.kill(process, signal.SIGSTOP)
        asking = asyncio.create_task(running.claude("Now."))
        await until(lambda: capacity(running).active == 1)
        os.kill(process, signal.SIGKILL)
        response = await asking
        assert response.status_code == 200
        assert response.headers[SESSION] == argument(claude.starts[1], "--session-id")
        assert [turn["text"] for turn in claude.turns] == ["Hi", "Now."]


async def test_a_changed_executable_replaces_prewarmed_processes_at_the_next_turn(
    gateway: GatewayFactory, claude: ScriptedClaude
) -> None:
    async with gateway(claude_path=str(claude.path), claude_warm_processes=1) as running:
        await prewarm(running, 1, claude)
        old = {start["pid"] for start in claude.starts}
        os.utime(claude.path, (1, 1))
        await running.claude("Now.")
        assert claude.turns[-1]["pid"] not in old
        await until(lambda: not members(int(str(claude.starts[1]["pid"]))))


async def test_a_rejected_request_releases_its_prewarmed_process(
    gateway: GatewayFactory, claude: ScriptedClaude
) -> None:
    async with gateway(claude_path=str(claude.path), claude_warm_processes=1) as running:
        await prewarm(running, 1, claude)
        store = running.container.session_store()
        held = store.hold(SessionId(argument(claude.starts[1], "--session-id")))
        async with held:  # as if a step after the reservation failed
            assert (await running.claude()).status_code == 429
        assert capacity(running).warm == 1
        response = await running.claude("Now.")
        assert response.headers[SESSION] == argument(claude.starts[1], "--session-id")


async def test_a_prewarmed_process_released_while_draining_is_ended(
    gateway: GatewayFactory, claude: ScriptedClaude
) -> None:
    async with gateway(claude_path=str(claude.path), claude_warm_processes=1) as running:
        await prewarm(running, 1, claude)
        cli = running.container.claude_cli()
        ready = claude.starts[1]
        with cli.reserve("sonnet", None) as session_id:
            assert session_id == argument(ready, "--session-id")
            cli.drain()
        await until(lambda: not members(int(str(ready["pid"]))))
        assert capacity(running).warm == 0


async def test_session_cleanup_keeps_the_directories_of_prewarmed_processes(
    gateway: GatewayFactory, claude: ScriptedClaude
) -> None:
    settings = {"claude_path": str(claude.path), "claude_warm_processes": 1}
    async with gateway(**settings) as running, gateway(**settings) as other:
        await prewarm(running, 1, claude)
        for cleaning in (running, other):
            assert await cleaning.container.expire_sessions().execute() == 0
        assert has_directory(claude.starts[1])
        assert (await running.claude()).status_code == 200


async def test_an_executable_that_supports_only_one_turn_is_not_prewarmed(
    gateway: GatewayFactory, tmp_path: Path
) -> None:
    claude = ScriptedClaude(tmp_path, *answer("Hello"))
    async with gateway(claude_path=str(claude.path), claude_warm_processes=2) as running:
        for _ in range(2):
            assert (await running.claude()).status_code == 200
        await until(lambda: capacity(running).active == 0)
        assert (capacity(running).warm, capacity(running).live) == (0, 0)
    assert len(claude.starts) == 2


@pytest.mark.parametrize("count", [20, pytest.param(40, marks=pytest.mark.exhaustive)])
async def test_many_concurrent_sessions_see_no_prompt_of_each_other(
    count: int, gateway: GatewayFactory, claude: ScriptedClaude
) -> None:
    """Runs more sessions than live processes; each process repeats every prompt it received."""
    claude.script({"recite": "2cb703a8-f70b-4e7f-b4f6-d3b3a057d8e1"})
    dice = random.Random(5)  # noqa: S311 - not for cryptography
    sessions: dict[int, str] = {}
    visits = [number % count for number in range(3 * count // 2)]
    dice.shuffle(visits)

    async def client() -> None:
        while visits:
            number = visits.pop()
            await ask(number)
            await ask(number)  # at once, so that its process is one of those that live

    async def ask(number: int) -> None:
        known = {SESSION: sessions.pop(number)} if number in sessions else {}
        response = await running.claude(f"canary-{number}.", known)
        assert response.status_code in ((200, 429) if known else (200,)), response.text
        if response.status_code == 200:
            said = response.json()["choices"][0]["message"]["content"].split()
            assert set(said) == {f"canary-{number}."}
            reused.append(len(said) > 1)
            sessions[number] = response.headers[SESSION]

    reused: list[bool] = []
    settings = {"claude_warm_processes": 2, "claude_live_sessions": count // 3}
    async with gateway(claude_path=str(claude.path), **settings) as running:
        await asyncio.gather(*(client() for _ in range(6)))
    assert sum(reused) > count // 10
    pids = {turn["pid"] for turn in claude.turns}
    assert len(pids) < len(claude.turns)


async def test_a_prewarmed_process_over_the_maximum_age_is_replaced(
    gateway: GatewayFactory, claude: ScriptedClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with gateway(claude_path=str(claude.path), claude_warm_processes=1) as running:
        await prewarm(running, 1, claude)
        old = int(str(claude.starts[1]["pid"]))
        monkeypatch.setattr(prewarmed_stock, "MAX_AGE_S", 0.0)
        await until(lambda: not members(old))
        monkeypatch.setattr(prewarmed_stock, "MAX_AGE_S", 60.0)
        await until(lambda: capacity(running).warm == 1)
        assert (await running.claude("Now.")).status_code == 200
        assert claude.turns[-1]["pid"] != old


async def test_no_process_is_prewarmed_without_memory_headroom(
    gateway: GatewayFactory, claude: ScriptedClaude, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0

    def full() -> bool:
        nonlocal looked
        looked += 1
        return False

    monkeypatch.setattr(prewarmed, "has_headroom", full)
    async with gateway(claude_path=str(claude.path), claude_warm_processes=2) as running:
        assert (await running.claude()).status_code == 200
        await until(lambda: looked > 3)
        assert capacity(running).warm == 0


async def test_the_real_cli_answers_from_a_prewarmed_process(
    gateway: GatewayFactory, provider: SimulatedProvider
) -> None:
    async with gateway(claude_warm_processes=1) as running:
        await prewarm(running, 1)
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
        response = await running.claude(messages=messages)
        assert response.status_code == 200
    assert "Be brief." in provider.requests[-1].body.decode()
