"""Detects which options an executable supports."""

import asyncio
import logging
import os
import re
import signal
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

from modegate.adapters.claude_cli.command.command_line import Features
from modegate.adapters.claude_cli.process.child_process import OUTPUT_DRAIN_S
from modegate.adapters.claude_cli.process.descriptors import require_descriptors
from modegate.adapters.claude_cli.process.orphan_guard import OrphanGuard
from modegate.adapters.claude_cli.process.orphan_guard_process import MARK
from modegate.adapters.claude_cli.process.shielded import run_shielded

# Seconds for an executable to answer `--help` or `--version`.
PATIENCE = 10.0
# Seconds until an executable that timed out is probed again. A probe per turn would delay each.
ASKED_AGAIN_AFTER = 60.0
OPTION = re.compile(r"(?<![\w-])--[a-zA-Z][a-zA-Z-]+")

log = logging.getLogger(__name__)


class FeatureProbe:
    """Probes each executable once, and caches the answer until the file changes.

    After a timeout the next probe waits for `ASKED_AGAIN_AFTER` seconds.
    """

    def __init__(self, environment: Mapping[str, str], guard: OrphanGuard | None = None) -> None:
        self._environment = environment
        self._guard = guard
        self._known: dict[tuple[str, int], Features] = {}
        self._silent_until: dict[tuple[str, int], float] = {}
        self._asking = asyncio.Lock()

    async def ask(self, executable: str) -> Features:
        """Returns the options that `--help` lists; an empty set, which means all, on a timeout.

        Raises:
            OSError: the executable is missing or cannot be started.
        """
        key = (executable, _changed_at(executable))
        async with self._asking:
            if key in self._known:
                return self._known[key]
            if time.monotonic() < self._silent_until.get(key, 0.0):
                return Features(frozenset())
            told = await run_and_capture(executable, "--help", self._environment, self._guard)
            if told is None:
                log.warning("claude --help timed out: assuming that it supports every option")
                self._silent_until[key] = time.monotonic() + ASKED_AGAIN_AFTER
                return Features(frozenset())
            self._known[key] = Features(frozenset(OPTION.findall(told)))
            return self._known[key]


async def run_and_capture(
    executable: str,
    option: Literal["--help", "--version"],
    environment: Mapping[str, str],
    guard: OrphanGuard | None = None,
) -> str | None:
    """Runs the executable with `option` and returns its standard output; None on a timeout.

    Raises:
        OSError: the executable cannot be started.
    """
    if guard is not None:
        await guard.start()
    require_descriptors()
    try:
        async with _running(executable, option, environment, guard) as process:
            async with asyncio.timeout(PATIENCE):
                text, _ = await process.communicate()
            return text.decode("utf-8", "replace")
    except TimeoutError:
        return None


@asynccontextmanager
async def _running(
    executable: str, option: str, environment: Mapping[str, str], guard: OrphanGuard | None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Runs the executable until the context is left, or the spawn is cancelled."""
    mark = uuid.uuid4().hex
    spawning = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            executable,
            option,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**environment, MARK: mark},
            start_new_session=True,
        )
    )
    try:
        # Shielded, because a spawn cancelled midway leaves a process that nothing refers to.
        process = await run_shielded(spawning)
        if guard is not None:
            guard.add(process.pid, mark)
        yield process
    finally:
        if spawning.exception() is None:
            await _ensure_ended(spawning.result())
            if guard is not None:
                guard.remove(spawning.result().pid)


async def _ensure_ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):  # it may have just ended
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(TimeoutError):  # a descendant may hold its standard output open
            async with asyncio.timeout(OUTPUT_DRAIN_S):
                await process.communicate()


def _changed_at(executable: str) -> int:
    return Path(executable).stat().st_mtime_ns
