"""Starts and stops CLI processes."""

import asyncio
import logging
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

from modegate.adapters.claude_cli.command.command_line import Features, Launch, build_command
from modegate.adapters.claude_cli.command.environment import build_environment, in_session
from modegate.adapters.claude_cli.command.executable import Executable
from modegate.adapters.claude_cli.command.login_state import login_changed_at
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.process.capabilities import FeatureProbe
from modegate.adapters.claude_cli.process.child_process import ChildProcess
from modegate.adapters.claude_cli.process.cli_process import CliProcess, Place
from modegate.adapters.claude_cli.process.descriptors import (
    EXHAUSTED,
    limit_descriptors,
    require_descriptors,
)
from modegate.adapters.claude_cli.process.orphan_guard import OrphanGuard
from modegate.adapters.claude_cli.process.orphan_guard_process import MARK, kill_marked
from modegate.adapters.claude_cli.process.settings_channel import RefusedSettings
from modegate.adapters.claude_cli.protocol.quota_windows import HeardWindows
from modegate.adapters.claude_cli.session_folder import stored_prefix, transcript_rollback
from modegate.adapters.claude_cli.session_folder.session_directories import SessionDirectories
from modegate.adapters.claude_cli.session_folder.session_directory import (
    SessionDirectory,
    storage_errors,
)
from modegate.adapters.claude_cli.session_folder.temporary_files import prepare_temporary_files
from modegate.adapters.claude_cli.session_folder.written_transcript import (
    RESUMES_TURN,
    append_results,
    write_history,
)
from modegate.domain.errors import GatewayError
from modegate.domain.errors.catalogue import claude_code
from modegate.domain.tools.calls_lost import CallsLostError

# Seconds to wait after start-up before background work, so that the gateway listens first.
WARMUP_DELAY_S = 0.5

log = logging.getLogger(__name__)


class Launcher:
    """Starts processes in their session's locked folder, under the orphan guard, and stops them."""

    def __init__(self, options: ClaudeOptions, workspace: SessionDirectories) -> None:
        self._options = options
        self._workspace = workspace
        self._executable = _executable_of(options)
        self.environment = build_environment(options)
        self._guard = OrphanGuard()
        self._features = FeatureProbe(self.environment, self._guard)
        self.windows = HeardWindows()  # of the account, which all processes share
        self._refused = RefusedSettings()
        self._generation = 0

    @property
    def executable(self) -> str | None:
        """The path of the executable; None if it is missing."""
        return self._executable.find()

    def reconfigure(self, options: ClaudeOptions) -> None:
        """Starts later processes with other options."""
        before, self._options = self._options, options
        if options.of_processes != before.of_processes:
            self._generation += 1
            self._executable = _executable_of(options)
            self.environment = build_environment(options)
            self._features = FeatureProbe(self.environment, self._guard)

    def version(self) -> object:
        """Returns a value that changes with the executable, the login and the configuration.

        Processes started under another value are outdated.
        """
        executable = self.executable or ""
        try:
            changed_at = Path(executable).stat().st_mtime_ns
        except OSError:
            changed_at = 0
        login = login_changed_at(self._options.environment)
        return executable, changed_at, login, self._generation

    @property
    def changes_settings(self) -> bool:
        """Whether processes take settings between their turns, as far as is known."""
        return self.version() not in self._refused

    async def features(self) -> Features:
        """Returns the options that the executable supports.

        Raises:
            BackendUnavailableError: the executable is missing or cannot be executed.
        """
        executable = self.executable
        if executable is None:
            raise claude_code.unavailable()
        try:
            return await self._features.ask(executable)
        except OSError as error:
            raise _unavailable("claude executable could not be started", error) from error

    async def prepare(self) -> None:
        """Does the work that the first turn would otherwise wait for; ignores failures."""
        await asyncio.sleep(WARMUP_DELAY_S)
        with suppress(GatewayError):
            await self.ready()

    async def ready(self) -> None:
        """Reads the features and starts the guard, so that only the spawn itself remains.

        Raises:
            BackendUnavailableError: the executable is missing or cannot be executed.
        """
        await self.features()
        try:
            await self._guard.start()
        except OSError as error:
            raise _unavailable("guard process could not be started", error) from error

    async def start(self, launch: Launch) -> CliProcess:
        """Starts a process in the session's folder, and locks the folder for it.

        Before, it undoes a turn that a killed gateway left in the conversation.

        Raises:
            BackendUnavailableError: the process cannot be started.
            StorageError: the folder cannot be created or locked.
            SessionBusyError: another gateway uses the session.
            CallsLostError: the conversation does not hold the calls of the launch's results.
        """
        features = await self.features()
        launch = launch.suited_to(features)
        version = self.version()
        if not features.supports_multiple_turns:  # it takes nothing between turns either
            self._refused.note(version)
        if version not in self._refused:
            launch = replace(launch, effort=None)
        with storage_errors():
            folder = await self._workspace.prepare(launch.session_id)
            lock = self._workspace.lock(folder)
            lock.acquire()
        place = Place(
            folder, lock, version, features.supports_multiple_turns, self.environment, self._refused
        )
        child = ChildProcess(stderr_limit=self._options.stderr_limit)
        process = CliProcess(launch, place, child, self._options.stdout_limit, self.windows)
        with ExitStack() as failing:
            failing.callback(lock.release)
            if launch.resume:
                await transcript_rollback.undo_marked(folder, lambda mark: kill_marked([mark]))
            if launch.results:
                await _append_results(folder, launch)
            if launch.history:
                with storage_errors():
                    await asyncio.to_thread(
                        write_history, folder, launch.cli_session_id, launch.history
                    )
            try:
                await self._spawn(process, features)
            except OSError as error:
                raise _unavailable("claude executable could not be started", error) from error
            failing.pop_all()
        return process

    async def stop(self, process: CliProcess, grace: float | None = None) -> None:
        """Ends the process and all its descendants; its folder stays locked.

        SIGKILL follows SIGTERM after `grace` seconds, by default `options.grace`.
        """
        await process.child.stop(self._options.grace if grace is None else grace)
        await asyncio.to_thread(kill_marked, [process.mark])
        self._guard.remove(process.child.pid)

    async def aclose(self) -> None:
        """Stops the guard; call it after the last process has ended."""
        await self._guard.aclose()

    async def _spawn(self, process: CliProcess, features: Features) -> None:
        await self._guard.start()
        folder = process.place.folder
        require_descriptors()
        temporary = prepare_temporary_files(folder, process.launch.cli_session_id)
        await asyncio.get_running_loop().subprocess_exec(
            lambda: process.child,
            self.executable or "claude",
            *build_command(process.launch, self._options, features),
            env={
                **in_session(self.environment, folder.config, temporary),
                **(RESUMES_TURN if process.launch.goes_on_alone else {}),
                MARK: process.mark,
            },
            cwd=folder.work,
            start_new_session=True,
        )
        limit_descriptors(process.child.pid, self._options.descriptors)
        self._guard.add(process.child.pid, process.mark)


def _executable_of(options: ClaudeOptions) -> Executable:
    return Executable(options.executable, options.environment.get("PATH"))


async def _append_results(folder: SessionDirectory, launch: Launch) -> None:
    path = stored_prefix.transcript_of(folder, launch.cli_session_id)
    with storage_errors():
        try:
            if path is not None:
                await asyncio.to_thread(append_results, path, launch.results)
                return
        except LookupError:
            pass
    raise CallsLostError.of(launch.results)


def _unavailable(what: str, error: OSError) -> Exception:
    log.error("%s: %s", what, error.strerror)
    return claude_code.exhausted() if error.errno in EXHAUSTED else claude_code.unavailable()
