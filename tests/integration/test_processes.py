"""The Claude backend and its process pool, without a gateway."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from support.serving import members, wait
from support.waiting import until

from modegate.adapters.claude_cli.backend import ClaudeBackend
from modegate.adapters.claude_cli.command.command_line import Launch
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.pool.process_pool import ProcessPool
from modegate.adapters.claude_cli.process import capabilities
from modegate.adapters.claude_cli.process.capabilities import FeatureProbe
from modegate.adapters.claude_cli.process.child_process import ChildProcess
from modegate.adapters.claude_cli.process.cli_process import CliProcess, Place
from modegate.adapters.claude_cli.session_folder.session_directories import SessionDirectories
from modegate.domain.access.client import ANONYMOUS
from modegate.domain.conversation.prompt import Prompt
from modegate.domain.errors import TurnTimeoutError
from modegate.domain.session import Session, SessionId
from modegate.domain.turn import Turn
from modegate.testing.scripted_claude import ScriptedClaude, answer

ONE = SessionId(str(uuid.uuid4()))
TURN = Turn(
    cli_model="sonnet",
    prompt=Prompt.of_text("Hi"),
    session=Session.start(ONE, ANONYMOUS.id, 1.0),
    resume=True,
)


async def test_a_process_that_missed_a_turn_is_killed_before_it_can_write(tmp_path: Path) -> None:
    workspace, elsewhere = SessionDirectories(tmp_path), SessionDirectories(tmp_path)
    processes = ProcessPool(ClaudeOptions(state=tmp_path), workspace)
    folder = await workspace.prepare(ONE)
    lock, others = workspace.lock(folder), elsewhere.lock(folder)
    lock.acquire()
    child, ready, written = ChildProcess(stderr_limit=1), tmp_path / "ready", tmp_path / "written"
    script = f"trap 'touch {written}; exit' TERM; touch {ready}; while :; do sleep 0.05; done"
    await asyncio.get_running_loop().subprocess_exec(
        lambda: child, "sh", "-c", script, start_new_session=True
    )
    place = Place(folder, lock, processes.launcher.version(), supports_multiple_turns=True)
    processes.return_(CliProcess(Launch.of(TURN), place, child, 1_000_000))
    others.acquire()  # another gateway takes a turn
    others.release()
    await until(ready.exists)
    assert await processes.acquire(TURN) is None
    assert child.exit_status == -signal.SIGKILL
    assert not written.exists()


async def test_the_feature_probe_of_a_silent_executable_times_out_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(capabilities, "PATIENCE", 0.1)
    executable = tmp_path / "claude"
    executable.write_text("#!/bin/sh\nsleep 60\n")
    executable.chmod(0o755)
    probe = FeatureProbe({"PATH": "/bin:/usr/bin"})
    with caplog.at_level(logging.WARNING):
        found = await asyncio.gather(*(probe.ask(str(executable)) for _ in range(4)))
    assert all(it.has("--resume") for it in found)
    assert len([record for record in caplog.records if "--help" in record.message]) == 1


SLOW_HELP = '#!/bin/sh\ncase $* in *--help*) exec sleep 60;; esac\nexec {real} "$@"\n'


async def test_the_feature_probe_counts_towards_the_turn_timeout(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    scripted = ScriptedClaude(tmp_path / "real", *answer("Hello"))
    executable = tmp_path / "claude"
    executable.write_text(SLOW_HELP.format(real=scripted.path))
    executable.chmod(0o755)
    backend = ClaudeBackend(
        ClaudeOptions(
            state=tmp_path / "state",
            executable=str(executable),
            environment={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            turn_timeout=0.2,
        )
    )
    with pytest.raises(TurnTimeoutError):
        async with backend.generate(TURN) as events:
            await anext(events)
    assert backend.status().capacity.active == 0
    await backend.aclose()


# In a subprocess: CPython may report the leftover transports of a closed loop at any time.
SEVERAL_LOOPS = """
import asyncio, os, sys
from pathlib import Path
from modegate.adapters.claude_cli.backend import ClaudeBackend
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.domain.answer.fold import fold
from modegate.testing.turns import answer_turn

home = Path(sys.argv[1])
backend = ClaudeBackend(ClaudeOptions(
    state=home / "state",
    executable=str(home / "claude"),
    environment={"PATH": os.environ["PATH"], "HOME": str(home)},
    warm_processes=1,
))
first = answer_turn()

async def ask(waits, resume=True):
    turn = answer_turn(session_id=first.session.id, resume=resume)
    async with backend.generate(turn) as events:
        assert (await fold(events)).text == "Hello"
    capacity = lambda: backend.status().capacity
    while waits and not (capacity().live == capacity().warm == 1):
        await asyncio.sleep(0.01)

asyncio.run(ask(waits=True, resume=False))
asyncio.run(ask(waits=True))
asyncio.run(ask(waits=False))  # cuts short the work after a turn
asyncio.run(ask(waits=False))
asyncio.run(backend.aclose())
"""


def test_a_backend_works_in_successive_event_loops(tmp_path: Path) -> None:
    scripted = ScriptedClaude(tmp_path, *answer("Hello"), converses=True)
    command = [sys.executable, "-c", SEVERAL_LOOPS, str(tmp_path)]
    subprocess.run(command, stderr=subprocess.DEVNULL, timeout=60, check=True)
    wait(lambda: not [pid for it in scripted.starts for pid in members(int(str(it["pid"])))])
