"""Where processes come from, and where they go after their turn."""

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractContextManager

from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.pool.idle import IdleProcesses
from modegate.adapters.claude_cli.pool.prewarmed import PrewarmedPool
from modegate.adapters.claude_cli.process.cli_process import CliProcess
from modegate.adapters.claude_cli.process.command_line import Launch
from modegate.adapters.claude_cli.process.launcher import Launcher
from modegate.adapters.claude_cli.process.session_directory import SessionDirectories
from modegate.domain.errors import SessionBusyError
from modegate.domain.session import SessionId
from modegate.domain.turn import Turn


class ProcessPool:
    """A turn gets its session's process, one that stands ready, or a new one, in this order."""

    def __init__(self, options: ClaudeOptions, workspace: SessionDirectories) -> None:
        self._keeps = not options.oneshot and options.live_sessions > 0
        self._workspace = workspace
        self.launcher = Launcher(options, workspace)
        self._live = IdleProcesses(options.live_sessions, options.live_idle, self._end_soon)
        self._warm = PrewarmedPool(
            0 if options.oneshot else options.warm_processes, self.launcher, self._drop_soon
        )
        self._ending: dict[asyncio.Task[None], SessionId] = {}

    @property
    def idle(self) -> int:
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

    def reserve(self, cli_model: str) -> AbstractContextManager[SessionId | None]:
        """The id of a session that can begin at once."""
        return self._warm.reserve(cli_model)

    def prioritise(self) -> AbstractContextManager[None]:
        """While a turn waits for its first word."""
        return self._warm.prioritise()

    def note_use(self, process: CliProcess) -> None:
        """Its model is in use."""
        self._warm.note_use(process.launch.cli_model)

    async def acquire(self, turn: Turn) -> CliProcess | None:
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

    async def start(self, turn: Turn) -> CliProcess:
        """A process that has just been started."""
        return await self.launcher.start(Launch.of(turn))

    def keeps(self, process: CliProcess) -> bool:
        """Whether it stays with its session after its turn."""
        return self._keeps and process.place.supports_multiple_turns

    def return_(self, process: CliProcess) -> None:
        """Its turn is over, and it can take another."""
        self._live.keep(process)

    async def end_session(self, session_id: SessionId) -> None:
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

    def _wakes_for(self, turn: Turn, process: CliProcess) -> bool:
        same = process.launch.serves(turn) and process.accepts(turn.prompt)
        try:
            return same and process.place.version == self.launcher.version() and process.reacquire()
        except OSError:  # its folder is gone
            return False

    async def _end(self, process: CliProcess) -> None:
        """End one that waits; what it would write at its end may not be true any more."""
        try:
            current = process.reacquire()
        except (SessionBusyError, OSError):
            current = False
        if not current:
            process.child.kill()
        await self.launcher.stop(process)
        process.release_lock()

    async def _drop(self, process: CliProcess) -> None:
        """End one that has never had a turn."""
        process.child.kill()
        await self.launcher.stop(process)
        await self._workspace.discard(process.launch.session_id)
        process.release_lock()

    def _end_soon(self, process: CliProcess) -> None:
        self._soon(process, self._end(process))

    def _drop_soon(self, process: CliProcess) -> None:
        self._soon(process, self._drop(process))

    def _soon(self, process: CliProcess, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._ending[task] = process.launch.session_id
        task.add_done_callback(self._ending.pop)

    async def _ended(self, session_id: SessionId) -> None:
        """Wait until no process of the session is ending."""
        if tasks := [task for task, ending in self._ending.items() if ending == session_id]:
            await asyncio.wait(tasks)
