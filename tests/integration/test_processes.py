"""Where processes come from and go to, without a gateway around them."""

import asyncio
import logging
import signal
import uuid
from pathlib import Path

import pytest
from support.waiting import until

from modegate.adapters.claude_cli import features
from modegate.adapters.claude_cli.child import Child
from modegate.adapters.claude_cli.command import Launch
from modegate.adapters.claude_cli.features import FeatureProbe
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.process import Place, Process
from modegate.adapters.claude_cli.processes import Processes
from modegate.adapters.claude_cli.workspace import Workspace
from modegate.domain.client import ANONYMOUS
from modegate.domain.prompt import Prompt
from modegate.domain.session import Session, SessionId
from modegate.domain.turn import ClaudeTurn

ONE = SessionId(str(uuid.uuid4()))
TURN = ClaudeTurn(
    completion_id="chatcmpl-1",
    created=1,
    model="sonnet",
    cli_model="sonnet",
    prompt=Prompt("", "Hi"),
    session=Session.start(ONE, ANONYMOUS.id, 1.0),
    resume=True,
)


async def test_a_process_that_missed_a_turn_writes_nothing_at_its_end(tmp_path: Path) -> None:
    workspace, elsewhere = Workspace(tmp_path), Workspace(tmp_path)
    processes = Processes(ClaudeOptions(state=tmp_path), workspace)
    folder = await workspace.prepare(ONE)
    lock, others = workspace.lock(folder), elsewhere.lock(folder)
    lock.take()
    child, ready, written = Child(stderr_limit=1), tmp_path / "ready", tmp_path / "written"
    script = f"trap 'touch {written}; exit' TERM; touch {ready}; while :; do sleep 0.05; done"
    await asyncio.get_running_loop().subprocess_exec(
        lambda: child, "sh", "-c", script, start_new_session=True
    )
    place = Place(folder, lock, processes.launcher.version(), converses=True)
    processes.keep(Process(Launch.of(TURN), place, child, 1_000_000))
    others.take()  # another gateway takes a turn
    others.release()
    await until(ready.exists)
    assert await processes.waiting(TURN) is None
    assert child.exit_status == -signal.SIGKILL
    assert not written.exists()


async def test_an_executable_that_says_nothing_of_itself_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(features, "PATIENCE", 0.1)
    executable = tmp_path / "claude"
    executable.write_text("#!/bin/sh\nsleep 60\n")
    executable.chmod(0o755)
    probe = FeatureProbe({"PATH": "/bin:/usr/bin"})
    with caplog.at_level(logging.WARNING):
        found = await asyncio.gather(*(probe.ask(str(executable)) for _ in range(4)))
    assert all(it.has("--resume") for it in found)
    assert len([record for record in caplog.records if "--help" in record.message]) == 1
