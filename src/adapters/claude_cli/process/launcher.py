"""Starts and ends processes, and knows what they are started with."""

import asyncio
import logging
from contextlib import ExitStack, suppress
from pathlib import Path

from modegate.adapters.claude_cli import errors
from modegate.adapters.claude_cli.options import ClaudeOptions
from modegate.adapters.claude_cli.process.capabilities import FeatureProbe
from modegate.adapters.claude_cli.process.child_process import ChildProcess
from modegate.adapters.claude_cli.process.cli_process import CliProcess, Place
from modegate.adapters.claude_cli.process.command_line import Features, Launch, build_command
from modegate.adapters.claude_cli.process.descriptors import (
    EXHAUSTED,
    limit_descriptors,
    require_descriptors,
)
from modegate.adapters.claude_cli.process.environment import build_environment, in_session
from modegate.adapters.claude_cli.process.executable import find_executable
from modegate.adapters.claude_cli.process.login_state import login_changed_at
from modegate.adapters.claude_cli.process.orphan_guard import OrphanGuard
from modegate.adapters.claude_cli.process.orphan_guard_process import MARK, kill_marked
from modegate.adapters.claude_cli.process.session_directory import (
    SessionDirectories,
    storage_errors,
)
from modegate.domain.errors import GatewayError

# Whoever starts a gateway wants it to listen first, for so many seconds.
WARMUP_DELAY_S = 0.5

log = logging.getLogger(__name__)


class Launcher:
    """Every process has a folder, a guard, and an end."""

    def __init__(self, options: ClaudeOptions, workspace: SessionDirectories) -> None:
        self._options = options
        self._workspace = workspace
        self.environment = build_environment(options)
        self._guard = OrphanGuard()
        self._features = FeatureProbe(self.environment, self._guard)

    @property
    def executable(self) -> str | None:
        """Where it is."""
        return find_executable(self._options.executable, self._options.environment.get("PATH"))

    def version(self) -> object:
        """Changes when the executable or the login does: processes from before are outdated."""
        executable = self.executable or ""
        try:
            changed_at = Path(executable).stat().st_mtime_ns
        except OSError:
            changed_at = 0
        return executable, changed_at, login_changed_at(self._options.environment)

    async def features(self) -> Features:
        """What the executable knows.

        Raises:
            BackendUnavailableError: there is none, or it cannot be executed.
        """
        executable = self.executable
        if executable is None:
            raise errors.unavailable()
        try:
            return await self._features.ask(executable)
        except OSError as error:
            raise _unavailable("the claude executable cannot be started", error) from error

    async def prepare(self) -> None:
        """What every first turn would have to wait for, once the gateway has started."""
        await asyncio.sleep(WARMUP_DELAY_S)
        with suppress(GatewayError):
            await self.ready()

    async def ready(self) -> None:
        """Return when nothing but a process's own start has to be waited for.

        Raises:
            BackendUnavailableError: there is no executable, or it cannot be executed.
        """
        await self.features()
        try:
            await self._guard.start()
        except OSError as error:
            raise _unavailable("the guard process cannot be started", error) from error

    async def start(self, launch: Launch) -> CliProcess:
        """A process in the session's folder, which nobody else may use while it lives or waits.

        Raises:
            BackendUnavailableError: it cannot be started.
            StorageError: its folder cannot be made or locked.
            SessionBusyError: another gateway uses the session.
        """
        features = await self.features()
        version = self.version()
        with storage_errors():
            folder = await self._workspace.prepare(launch.session_id)
            lock = self._workspace.lock(folder)
            lock.acquire()
        place = Place(folder, lock, version, features.supports_multiple_turns)
        child = ChildProcess(stderr_limit=self._options.stderr_limit)
        process = CliProcess(launch, place, child, self._options.stdout_limit)
        with ExitStack() as failing:
            failing.callback(lock.release)
            try:
                await self._spawn(process, features)
            except OSError as error:
                raise _unavailable("the claude executable cannot be started", error) from error
            failing.pop_all()
        return process

    async def stop(self, process: CliProcess, grace: float | None = None) -> None:
        """Certainly, with all that it has started; its folder stays locked.

        It may take `grace` seconds to end by itself; as many as the options say where none are given.
        """
        await process.child.stop(self._options.grace if grace is None else grace)
        await asyncio.to_thread(kill_marked, [process.mark])
        self._guard.remove(process.child.pid)

    async def aclose(self) -> None:
        """After the last process."""
        await self._guard.aclose()

    async def _spawn(self, process: CliProcess, features: Features) -> None:
        await self._guard.start()
        folder = process.place.folder
        require_descriptors()
        await asyncio.get_running_loop().subprocess_exec(
            lambda: process.child,
            self.executable or "claude",
            *build_command(process.launch, self._options, features),
            env=in_session(self.environment, folder.config) | {MARK: process.mark},
            cwd=folder.work,
            start_new_session=True,
        )
        limit_descriptors(process.child.pid, self._options.descriptors)
        self._guard.add(process.child.pid, process.mark)


def _unavailable(what: str, error: OSError) -> Exception:
    log.error("%s: %s", what, error.strerror)
    return errors.exhausted() if error.errno in EXHAUSTED else errors.unavailable()
