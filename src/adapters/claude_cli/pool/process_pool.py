"""Supplies a process for each turn, and keeps or ends it afterwards."""

import asyncio
from collections.abc import Coroutine
from contextlib import AbstractContextManager

from modegate.adapters.claude_cli.command.command_line import Launch
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.pool.idle import IdleProcesses
from modegate.adapters.claude_cli.pool.prewarmed import PrewarmedPool
from modegate.adapters.claude_cli.process.cli_process import CliProcess
from modegate.adapters.claude_cli.process.launcher import Launcher
from modegate.adapters.claude_cli.session_folder.session_directories import SessionDirectories
from modegate.adapters.claude_cli.structured.cli_schema import schema_of
from modegate.adapters.claude_cli.tools.offered_tools import OfferedTools
from modegate.domain.errors import SessionBusyError
from modegate.domain.session import SessionId
from modegate.domain.turn import Turn


class ProcessPool:
    """Supplies a turn's process: the session's idle one, a prewarmed one, or a new one."""

    def __init__(self, options: ClaudeOptions, workspace: SessionDirectories) -> None:
        self._keeps = options.live_places > 0
        self._workspace = workspace
        self.launcher = Launcher(options, workspace)
        self._live = IdleProcesses(options.live_places, options.live_idle, self._end_soon)
        self._warm = PrewarmedPool(options.warm_places, self.launcher, self._drop_soon)
        self._ending: dict[asyncio.Task[None], SessionId] = {}

    @property
    def idle(self) -> int:
        """The number of idle processes, each kept for its session's next turn."""
        return len(self._live)

    @property
    def warm(self) -> int:
        """The number of prewarmed processes."""
        return len(self._warm)

    @property
    def unused(self) -> set[SessionId]:
        """The session ids of prewarmed processes, which have had no turn."""
        return self._warm.session_ids

    def reserve(self, cli_model: str) -> AbstractContextManager[SessionId | None]:
        """Reserves a prewarmed process and yields its session's id, or None."""
        return self._warm.reserve(cli_model)

    def prioritise(self) -> AbstractContextManager[None]:
        """Pauses prewarming while a turn waits for its first event."""
        return self._warm.prioritise()

    def note_use(self, cli_model: str) -> None:
        """Records that the model was used, so that processes are prewarmed for it."""
        self._warm.note_use(cli_model)

    async def acquire(self, turn: Turn, tools: OfferedTools | None = None) -> CliProcess | None:
        """Returns the idle or prewarmed process of the turn's session, with its folder locked.

        Returns None if the caller must start a new process. A process that cannot take the turn is
        ended first; a prewarmed one's folder goes with it.

        Raises:
            SessionBusyError: another gateway uses the session.
        """
        session_id = turn.session.id
        await self._ended(session_id)
        end = self._end_soon
        process = self._live.take(session_id)
        if process is None:
            end = self._drop_soon
            process = self._warm.take(session_id)
        if process is None:
            return None
        try:
            if self._wakes_for(turn, process, tools):
                return process
        except SessionBusyError:
            end(process)
            raise
        end(process)
        await self._ended(session_id)
        return None

    async def start(self, turn: Turn) -> CliProcess:
        """Starts a process for the turn.

        Raises:
            BackendUnavailableError: the process cannot be started.
            StorageError: the session's folder cannot be created or locked.
            SessionBusyError: another gateway uses the session.
        """
        return await self.launcher.start(Launch.of(turn))

    def keeps(self, process: CliProcess) -> bool:
        """Returns whether the process is kept for its session after the turn."""
        return (
            self._keeps
            and process.place.supports_multiple_turns
            and process.place.version == self.launcher.version()
        )

    def return_(self, process: CliProcess) -> None:
        """Puts a process back after its turn; it stays idle for the session's next turn."""
        self._live.keep(process)

    async def end_session(self, session_id: SessionId) -> None:
        """Ends the session's idle process, if any, and waits for its exit."""
        if process := self._live.take(session_id):
            self._end_soon(process)
        await self._ended(session_id)

    async def drop_session(self, session_id: SessionId) -> None:
        """Kills the session's idle process, whose conversation is outdated; waits for its exit."""
        if process := self._live.take(session_id):
            process.child.kill()
            self._end_soon(process)
        await self._ended(session_id)

    def reconfigure(self, options: ClaudeOptions) -> None:
        """Uses other options for new processes, and ends waiting ones that do not fit them."""
        self._keeps = options.live_places > 0
        self.launcher.reconfigure(options)
        self._live.reconfigure(options.live_places, options.live_idle)
        self._warm.reconfigure(options.warm_places)
        self._live.retire(self.launcher.version())
        self._warm.retire()

    def drain(self) -> None:
        """Stops prewarming."""
        self._warm.drain()

    async def aclose(self) -> None:
        """Ends all idle and prewarmed processes, and then the orphan guard."""
        await self._warm.aclose()
        self._live.clear()
        while self._ending:
            await asyncio.wait(self._ending)
        await self.launcher.aclose()

    def _wakes_for(self, turn: Turn, process: CliProcess, tools: OfferedTools | None) -> bool:
        same = process.launch.serves(
            turn, changes_settings=self.launcher.changes_settings
        ) and process.input.accepts(turn.prompt, tools, schema_of(turn))
        # Results that a process does not wait for can only be given to a new one.
        same = same and not (turn.resume and turn.prompt.results)
        try:
            return same and process.place.version == self.launcher.version() and process.reacquire()
        except OSError:  # its folder is gone
            return False

    async def _end(self, process: CliProcess) -> None:
        """Ends an idle process; kills it if outdated, so that it writes no stale state."""
        try:
            current = process.reacquire()
        except (SessionBusyError, OSError):
            current = False
        if not current:
            process.child.kill()
        await self.launcher.stop(process)
        process.release_lock()

    async def _drop(self, process: CliProcess) -> None:
        """Kills a prewarmed process and removes its session's folder."""
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
        """Waits until no process of the session is ending."""
        if tasks := [task for task, ending in self._ending.items() if ending == session_id]:
            await asyncio.wait(tasks)
