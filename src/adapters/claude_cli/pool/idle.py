"""Idle processes, each kept for the next turn of its session."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from modegate.adapters.claude_cli.process.child_process import noop
from modegate.adapters.claude_cli.process.cli_process import CliProcess
from modegate.domain.session import SessionId


class IdleProcesses:
    """Keeps at most `maximum` processes, each for `idle` seconds, with LRU eviction.

    An evicted process is passed to `end`. A process that exits while idle is evicted at once.
    """

    def __init__(self, maximum: int, idle: float, end: Callable[[CliProcess], object]) -> None:
        self._maximum = maximum
        self._idle = idle
        self._end = end
        self._kept: OrderedDict[SessionId, tuple[CliProcess, asyncio.TimerHandle]] = OrderedDict()

    def __len__(self) -> int:
        """The number of idle processes."""
        return len(self._kept)

    def keep(self, process: CliProcess) -> None:
        """Keeps a process whose turn is over, and releases its session lock."""
        session_id = process.launch.session_id
        process.release_lock()
        process.child.on_exit = lambda: self._evict(session_id)
        timer = asyncio.get_running_loop().call_later(self._idle, self._evict, session_id)
        self._kept[session_id] = process, timer
        if len(self._kept) > self._maximum:
            self._evict(next(iter(self._kept)))

    def take(self, session_id: SessionId) -> CliProcess | None:
        """Removes and returns the session's process; None if there is none."""
        if (kept := self._kept.pop(session_id, None)) is None:
            return None
        process, timer = kept
        timer.cancel()
        process.child.on_exit = noop
        return process

    def reconfigure(self, maximum: int, idle: float) -> None:
        """Keeps at most `maximum` processes from now on, and later ones for `idle` seconds."""
        self._maximum, self._idle = maximum, idle
        while len(self._kept) > maximum:
            self._evict(next(iter(self._kept)))

    def retire(self, version: object) -> None:
        """Evicts the processes that are not of the current `version`."""
        for session_id, (process, _) in list(self._kept.items()):
            if process.place.version != version:
                self._evict(session_id)

    def clear(self) -> None:
        """Evicts all processes."""
        for session_id in list(self._kept):
            self._evict(session_id)

    def _evict(self, session_id: SessionId) -> None:
        if process := self.take(session_id):
            self._end(process)
