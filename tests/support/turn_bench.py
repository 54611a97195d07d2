"""Turns of one session, run without a gateway around them."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.pool.process_pool import ProcessPool
from modegate.adapters.claude_cli.pool.slots import Slots
from modegate.adapters.claude_cli.process.cli_process import CliProcess
from modegate.adapters.claude_cli.protocol.translator import Translator
from modegate.adapters.claude_cli.session_folder.session_directories import SessionDirectories
from modegate.adapters.claude_cli.tools.offered_tools import OfferedTools
from modegate.adapters.claude_cli.turns.resources import TurnResources
from modegate.adapters.claude_cli.turns.turn import TurnRun
from modegate.domain.turn import Turn
from modegate.testing.scripted_claude import ScriptedClaude, answer, begin, word
from modegate.testing.turns import answer_turn

EARLIER, OWN = "earlier\n", "own\n"
HANG = {"hang": 0}
REFUSAL: dict[str, Any] = {
    "emit": {
        "type": "result",
        "subtype": "success",
        "is_error": False,
        "result": "",
        "stop_reason": "refusal",
    }
}


class RecordingPool(ProcessPool):
    """Remembers the process that it gave out last, and can be interrupted before a start."""

    acquired: CliProcess | None = None
    starts = 0

    def before_start(self) -> None:
        """What happens before a process is started."""

    async def acquire(self, turn: Turn, tools: OfferedTools | None = None) -> CliProcess | None:
        self.acquired = await super().acquire(turn, tools)
        return self.acquired

    async def start(self, turn: Turn) -> CliProcess:
        self.starts += 1
        self.before_start()
        return await super().start(turn)


class Bench:
    """Runs turns of one session without a gateway around them."""

    def __init__(
        self, folder: Path, claude: ScriptedClaude, *, turn: Turn | None = None, **options: Any
    ) -> None:
        self.claude = claude
        self.options = ClaudeOptions(
            state=folder / "state",
            executable=str(claude.path),
            environment={"PATH": os.environ["PATH"], "HOME": str(folder)},
            **({"warm_processes": 0} | options),
        )
        self.workspace = SessionDirectories(self.options.state)
        self.pool = RecordingPool(self.options, self.workspace)
        self.slots = Slots(1, 5.0)
        self.turn = replace(turn or answer_turn(), streamed=True)
        self.folder = self.options.state / "sessions" / self.turn.session.id
        self.transcript = self.folder / "claude" / "projects" / "work" / "one.jsonl"

    def run(self, *, resume: bool) -> TurnRun:
        resources = TurnResources(self.options, self.slots, self.pool, self.workspace)
        return TurnRun(replace(self.turn, resume=resume), Translator(), resources)

    async def earlier_turn(self) -> None:
        """Has a first turn, whose process stays idle unless the mode is one turn per process."""
        self.claude.script(*answer("Hello"))
        run = await self.begun(resume=False)
        self.transcript.write_text(EARLIER)
        assert [chunk async for chunk in run.chunks()]
        assert run.leave()
        await run.settle()
        assert self.slots.active == 0

    async def begun(self, *, resume: bool) -> TurnRun:
        run = self.run(resume=resume)
        await run.begin()
        self.transcript.parent.mkdir(parents=True, exist_ok=True)
        with self.transcript.open("a") as file:
            file.write(OWN)
        return run

    @property
    def pids(self) -> list[int]:
        return [int(str(start["pid"])) for start in self.claude.starts]


SPEAKS = (*begin(), word("Hello"), HANG)
