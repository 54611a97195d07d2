"""Clients that leave while a process is still on its way, or being ended."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import httpx2
import pytest
from support.gateway import Gateway, GatewayFactory
from support.serving import members
from support.waiting import until

from modegate.testing.scripted_claude import ScriptedClaude, answer

SESSION = "X-Claude-Session-ID"
NOTICED = 0.25  # seconds


@pytest.fixture
def claude(tmp_path: Path) -> ScriptedClaude:
    folder = tmp_path / "scripted"
    folder.mkdir()
    return ScriptedClaude(folder, *answer("Hello"), converses=True)


def capacity(gateway: Gateway) -> Any:
    return gateway.container.claude_cli().status().capacity


async def begin(gateway: Gateway) -> str:
    """A session whose process waits."""
    session = (await gateway.claude()).headers[SESSION]
    await until(lambda: capacity(gateway).live == 1)
    return str(session)


async def stop(process: int) -> None:
    """Have it take no hint; a signal that comes before the stop would still be taken."""
    os.kill(process, signal.SIGSTOP)
    status = Path(f"/proc/{process}/stat")
    await until(lambda: status.read_text().rpartition(")")[2].split()[0] == "T")


async def leave(asking: asyncio.Task[Any]) -> None:
    asking.cancel()
    await asyncio.wait({asking})


async def test_what_is_deleted_is_gone_though_nobody_waits_for_it(
    gateway: GatewayFactory, claude: ScriptedClaude
) -> None:
    async with gateway(claude_path=str(claude.path), claude_warm_processes=0) as running:
        session = await begin(running)
        process = int(str(claude.starts[0]["pid"]))
        await stop(process)
        with pytest.raises(httpx2.TimeoutException):
            await running.http.delete(f"/v1/sessions/{session}", timeout=0.3)
        await until(lambda: not members(process), 8)
        await until(lambda: not Path(str(claude.starts[0]["folder"])).exists())
        assert (await running.http.get("/v1/sessions")).json()["data"] == []


async def test_who_waits_for_an_old_process_to_end_leaves_at_once(
    gateway: GatewayFactory, claude: ScriptedClaude
) -> None:
    async with gateway(claude_path=str(claude.path), claude_warm_processes=0) as running:
        session = await begin(running)
        process = int(str(claude.starts[0]["pid"]))
        await stop(process)
        asking = asyncio.create_task(running.claude("Hi", {SESSION: session}, model="opus"))
        await until(lambda: capacity(running).live == 0)
        await leave(asking)
        await until(lambda: capacity(running).active == 0, NOTICED)
        await until(lambda: not members(process), 8)
        assert (await running.claude("Hi", {SESSION: session}, model="opus")).status_code == 200


async def test_who_waits_for_an_executable_to_describe_itself_leaves_at_once(
    gateway: GatewayFactory, tmp_path: Path
) -> None:
    asked, executable = tmp_path / "asked", tmp_path / "claude"
    executable.write_text(f"#!/bin/sh\necho $$ > {asked}.new\nmv {asked}.new {asked}\nsleep 60\n")
    executable.chmod(0o755)
    async with gateway(claude_path=str(executable)) as running:
        asking = asyncio.create_task(running.claude())
        await until(lambda: asked.exists() and capacity(running).active == 1)
        await leave(asking)
        await until(lambda: capacity(running).active == 0, NOTICED)
        await until(lambda: not members(int(asked.read_text())))
