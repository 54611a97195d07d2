"""Makes sure that no child outlives the gateway, even when that is killed with SIGKILL."""

import asyncio
import sys
from contextlib import suppress
from pathlib import Path

from modegate.adapters.claude_cli.process import orphan_guard_process
from modegate.adapters.claude_cli.process.descriptors import require_descriptors
from modegate.adapters.claude_cli.process.shielded import run_shielded

# It may be killing thousands of descendants; it goes on when the gateway is gone.
ENDED_WITHIN_S = 10.0


class OrphanGuard:
    """A small process that is told of every process group, and kills what is left at our end."""

    def __init__(self) -> None:
        self._groups: dict[int, str] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting = asyncio.Lock()

    async def start(self) -> None:
        """Have the process run; call before each spawn, for somebody may have ended it."""
        if self.runs:
            return
        async with self._starting:
            if not self.runs:
                await run_shielded(self._spawn())

    @property
    def runs(self) -> bool:
        """Whether the process is there, as the event loop knows that runs."""
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
        """The group has begun; who belongs to it has the mark in its environment."""
        self._groups[group] = mark
        self._tell(f"{group} {mark}")

    def remove(self, group: int) -> None:
        """The group is gone."""
        self._groups.pop(group, None)
        self._tell(f"-{group}")

    async def aclose(self) -> None:
        """End the process; whatever group is left dies with it."""
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
        """Tell it, where it is there to be told; if not, the next start tells it all again."""
        pipe = self._process.stdin if self._process is not None else None
        if pipe is not None and not pipe.is_closing():
            with suppress(RuntimeError, OSError):  # the event loop's words for a broken pipe
                pipe.write(f"{line}\n".encode())
