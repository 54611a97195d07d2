"""Where processes come from, and where they go after their turn."""

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractContextManager

from modegate.adapters.claude_cli.command import Launch
from modegate.adapters.claude_cli.launcher import Launcher
from modegate.adapters.claude_cli.live import LiveSessions
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.process import Process
from modegate.adapters.claude_cli.warm import WarmProcesses
from modegate.adapters.claude_cli.workspace import Workspace
from modegate.domain.errors import SessionBusyError
from modegate.domain.session import SessionId
from modegate.domain.turn import ClaudeTurn


class Processes:
    """A turn gets its session's process, one that stands ready, or a new one, in this order."""

    def __init__(self, options: ClaudeOptions, workspace: Workspace) -> None:
        self._keeps = not options.oneshot and options.live_sessions > 0
        self._workspace = workspace
        self.launcher = Launcher(options, workspace)
        self._live = LiveSessions(options.live_sessions, options.live_idle, self._end_soon)
        self._warm = WarmProcesses(
            0 if options.oneshot else options.warm_processes, self.launcher, self._drop_soon
        )
        self._ending: dict[asyncio.Task[None], SessionId] = {}

    @property
    def live(self) -> int:
        """How many wait for their session's next turn."""
        return len(self._live)

    @property
    def warm(self) -> int:
        """How many stand ready."""
        return len(self._warm)

    @property
    def unused(self) -> set[SessionId]:
        """Ids of sessions that have not begun."""
        return self._warm.session_ids

    def offer(self, cli_model: str) -> AbstractContextManager[SessionId | None]:
        """The id of a session that can begin at once."""
        return self._warm.offer(cli_model)

    def hurry(self) -> AbstractContextManager[None]:
        """While a turn waits for its first word."""
        return self._warm.hurry()

    def answered(self, process: Process) -> None:
        """Its model is in use."""
        self._warm.used(process.launch.cli_model)

    async def waiting(self, turn: ClaudeTurn) -> Process | None:
        """The process that waits for the turn, with the session's folder locked.

        None where a new one has to be started, and can be: another that waited has ended.

        Raises:
            SessionBusyError: another gateway uses the session.
        """
        session_id = turn.session.id
        await self._ended(session_id)
        process = self._live.take(session_id) or self._warm.take(session_id)
        if process is None:
            return None
        try:
            if self._wakes_for(turn, process):
                return process
        except SessionBusyError:
            self._end_soon(process)
            raise
        self._end_soon(process)
        await self._ended(session_id)
        return None

    async def new(self, turn: ClaudeTurn) -> Process:
        """A process that has just been started."""
        return await self.launcher.start(Launch.of(turn))

    def keeps(self, process: Process) -> bool:
        """Whether it stays with its session after its turn."""
        return self._keeps and process.place.converses

    def keep(self, process: Process) -> None:
        """Its turn is over, and it can take another."""
        self._live.keep(process)

    async def forget(self, session_id: SessionId) -> None:
        """End the session's process, if it has one."""
        if process := self._live.take(session_id):
            self._end_soon(process)
        await self._ended(session_id)

    def drain(self) -> None:
        """Start no process for turns that will not come."""
        self._warm.drain()

    async def aclose(self) -> None:
        """End all that wait."""
        await self._warm.aclose()
        self._live.clear()
        while self._ending:
            await asyncio.wait(self._ending)
        await self.launcher.aclose()

    def _wakes_for(self, turn: ClaudeTurn, process: Process) -> bool:
        same = process.launch.serves(turn) and process.suits(turn.prompt)
        try:
            return same and process.place.version == self.launcher.version() and process.wake()
        except OSError:  # its folder is gone
            return False

    async def _end(self, process: Process) -> None:
        """End one that waits; what it would write at its end may not be true any more."""
        try:
            current = process.wake()
        except (SessionBusyError, OSError):
            current = False
        if not current:
            process.child.kill()
        await self.launcher.stop(process)
        process.rest()

    async def _drop(self, process: Process) -> None:
        """End one that has never had a turn."""
        process.child.kill()
        await self.launcher.stop(process)
        await self._workspace.discard(process.launch.session_id)
        process.rest()

    def _end_soon(self, process: Process) -> None:
        self._soon(process, self._end(process))

    def _drop_soon(self, process: Process) -> None:
        self._soon(process, self._drop(process))

    def _soon(self, process: Process, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._ending[task] = process.launch.session_id
        task.add_done_callback(self._ending.pop)

    async def _ended(self, session_id: SessionId) -> None:
        """Wait until no process of the session is ending."""
        if tasks := [task for task, ending in self._ending.items() if ending == session_id]:
            await asyncio.wait(tasks)
