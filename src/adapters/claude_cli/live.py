"""Processes that wait for their session's next turn."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable

from modegate.adapters.claude_cli.child import do_nothing
from modegate.adapters.claude_cli.process import Process
from modegate.domain.session import SessionId


class LiveSessions:
    """At most `maximum`, each for `idle` seconds; the least recently used one leaves first.

    Whoever leaves is given to `end`.
    """

    def __init__(self, maximum: int, idle: float, end: Callable[[Process], object]) -> None:
        self._maximum = maximum
        self._idle = idle
        self._end = end
        self._kept: OrderedDict[SessionId, tuple[Process, asyncio.TimerHandle]] = OrderedDict()

    def __len__(self) -> int:
        """How many wait."""
        return len(self._kept)

    def keep(self, process: Process) -> None:
        """Its turn is over."""
        session_id = process.launch.session_id
        process.rest()
        process.child.on_exit = lambda: self._leave(session_id)
        timer = asyncio.get_running_loop().call_later(self._idle, self._leave, session_id)
        self._kept[session_id] = process, timer
        if len(self._kept) > self._maximum:
            self._leave(next(iter(self._kept)))

    def take(self, session_id: SessionId) -> Process | None:
        """The session's process, which waits no longer."""
        if (kept := self._kept.pop(session_id, None)) is None:
            return None
        process, timer = kept
        timer.cancel()
        process.child.on_exit = do_nothing
        return process

    def clear(self) -> None:
        """Nobody waits any more."""
        for session_id in list(self._kept):
            self._leave(session_id)

    def _leave(self, session_id: SessionId) -> None:
        if process := self.take(session_id):
            self._end(process)
