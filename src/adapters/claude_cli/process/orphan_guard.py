"""Prevents orphans: no child outlives the gateway, even after SIGKILL."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from modegate.adapters.claude_cli.process import orphan_guard_process
from modegate.adapters.claude_cli.process.descriptors import require_descriptors
from modegate.adapters.claude_cli.process.shielded import run_shielded

# Seconds to wait for the guard's exit: it may have to kill thousands of descendants. It continues
# after the gateway has exited.
ENDED_WITHIN_S = 10.0


class OrphanGuard:
    """A helper process that knows all process groups, and kills the orphans of the gateway."""

    def __init__(self) -> None:
        self._groups: dict[int, str] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Starts the guard if it does not run. Call it before each spawn; idempotent."""
        if self.runs:
            return
        async with self._starting:
            if not self.runs:
                await run_shielded(self._spawn())

    @property
    def runs(self) -> bool:
        """Whether the guard runs and belongs to the running event loop."""
        here = self._loop is asyncio.get_running_loop()
        return here and self._process is not None and self._process.returncode is None

    async def _spawn(self) -> None:
        require_descriptors()
        self._loop = asyncio.get_running_loop()
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-I", "-S", str(Path(orphan_guard_process.__file__))),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
            env={},
        )
        for group, mark in self._groups.items():
            self._tell(f"{group} {mark}")

    def add(self, group: int, mark: str) -> None:
        """Registers a process group; its processes carry the mark in their environment."""
        self._groups[group] = mark
        self._tell(f"{group} {mark}")

    def remove(self, group: int) -> None:
        """Unregisters a process group that has ended."""
        self._groups.pop(group, None)
        self._tell(f"-{group}")

    async def aclose(self) -> None:
        """Ends the guard, which kills the remaining groups as it exits."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        if self._loop is not asyncio.get_running_loop():  # its pipe was closed with its loop
            return
        process.stdin.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(ENDED_WITHIN_S):
                await process.wait()

    def _tell(self, line: str) -> None:
        """Sends a line to the guard if it runs; a restart replays all groups."""
        pipe = self._process.stdin if self._process is not None else None
        if pipe is not None and not pipe.is_closing():
            with suppress(RuntimeError, OSError):  # the event loop raises these on a broken pipe
                pipe.write(f"{line}\n".encode())
