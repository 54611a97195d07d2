"""Clients that disconnect while a process is being started or ended."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from support.gateway import Gateway, GatewayFactory
from support.serving import members
from support.waiting import until

from modegate.adapters.claude_cli.process import capabilities, launcher
from modegate.testing.scripted_claude import ScriptedClaude, answer

SESSION = "X-Claude-Session-ID"
LONG_GRACE_S = 60.0


@pytest.fixture
def claude(tmp_path: Path) -> ScriptedClaude:
    folder = tmp_path / "scripted"
    folder.mkdir()
    return ScriptedClaude(folder, *answer("Hello"), converses=True)


def capacity(gateway: Gateway) -> Any:
    return gateway.container.claude_cli().status().capacity


async def begin(gateway: Gateway) -> str:
    """Starts a session, waits until its process is idle and returns its id."""
    session = (await gateway.claude()).headers[SESSION]
    await until(lambda: capacity(gateway).live == 1)
    return str(session)


async def stop(process: int) -> None:
    """Stops the process and waits for that, so that it handles no later signal."""
    os.kill(process, signal.SIGSTOP)
    status = Path(f"/proc/{process}/stat")
    await until(lambda: status.read_text().rpartition(")")[2].split()[0] == "T")


async def leave(asking: asyncio.Task[Any]) -> None:
    asking.cancel()
    await asyncio.wait({asking})


async def test_a_deletion_completes_although_its_client_disconnected(
    gateway: GatewayFactory, claude: ScriptedClaude
) -> None:
    async with gateway(claude_path=str(claude.path), claude_warm_processes=0) as running:
        session = await begin(running)
        process = int(str(claude.starts[0]["pid"]))
        await stop(process)
        deleting = asyncio.create_task(running.http.delete(f"/v1/sessions/{session}"))
        await until(lambda: capacity(running).live == 0)
        await leave(deleting)
        assert members(process)
        await until(lambda: not members(process))
        await until(lambda: not Path(str(claude.starts[0]["folder"])).exists())
        assert (await running.http.get("/v1/sessions")).json()["data"] == []


async def test_a_disconnect_while_an_old_process_is_ended_releases_the_slot_at_once(
    gateway: GatewayFactory, claude: ScriptedClaude
) -> None:
    async with gateway(claude_path=str(claude.path), claude_warm_processes=0) as running:
        session = await begin(running)
        process = int(str(claude.starts[0]["pid"]))
        await stop(process)
        options = running.container.claude_cli()._options  # noqa: SLF001
        object.__setattr__(options, "grace", LONG_GRACE_S)
        asking = asyncio.create_task(running.claude("Hi", {SESSION: session}, model="opus"))
        await until(lambda: capacity(running).live == 0)
        await leave(asking)
        await until(lambda: capacity(running).active == 0)
        assert members(process)
        os.kill(process, signal.SIGKILL)
        await until(lambda: not members(process))
        assert (await running.claude("Hi", {SESSION: session}, model="opus")).status_code == 200


async def test_a_disconnect_during_the_feature_probe_releases_the_slot_at_once(
    gateway: GatewayFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, executable = tmp_path / "asked", tmp_path / "claude"
    executable.write_text(f"#!/bin/sh\necho $$ > {asked}.new\nmv {asked}.new {asked}\nsleep 60\n")
    executable.chmod(0o755)
    monkeypatch.setattr(capabilities, "PATIENCE", 60.0)
    # Else the preparation after the start may wait for the same probe.
    monkeypatch.setattr(launcher, "WARMUP_DELAY_S", 3600.0)
    async with gateway(claude_path=str(executable)) as running:
        asking = asyncio.create_task(running.claude())
        await until(lambda: asked.exists() and capacity(running).active == 1)
        await leave(asking)
        await until(lambda: capacity(running).active == 0)
        await until(lambda: not members(int(asked.read_text())))


async def test_a_probe_cancelled_while_its_process_starts_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawned: list[asyncio.subprocess.Process] = []
    go_on = asyncio.Event()
    spawn = asyncio.create_subprocess_exec

    async def slow_spawn(*command: str, **options: Any) -> asyncio.subprocess.Process:
        spawned.append(await spawn(*command, **options))
        await go_on.wait()
        return spawned[0]

    executable = tmp_path / "claude"
    executable.write_text("#!/bin/sh\nsleep 60\n")
    executable.chmod(0o755)
    monkeypatch.setattr(asyncio, "create_subprocess_exec", slow_spawn)
    asking = asyncio.create_task(capabilities.run_and_capture(str(executable), "--help", {}))
    await until(lambda: spawned)
    asking.cancel()
    await asyncio.sleep(0)
    go_on.set()
    await asyncio.wait({asking})
    assert asking.cancelled()
    assert not members(spawned[0].pid)
