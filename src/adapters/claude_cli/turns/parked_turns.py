"""Parked turns: each waits for the results of a client's tools."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection

from modegate.adapters.claude_cli.process.child_process import noop
from modegate.adapters.claude_cli.turns.turn import TurnRun
from modegate.domain.access.client import ClientId
from modegate.domain.session import SessionId


class ParkedTurns:
    """Keeps at most `maximum` turns, each for `patience` seconds; the one parked longest goes first.

    A turn that is over its bounds, or whose process exits, is passed to `end`.
    """

    def __init__(self, maximum: int, patience: float, end: Callable[[TurnRun], object]) -> None:
        self._maximum = maximum
        self._patience = patience
        self._end = end
        self._parked: OrderedDict[SessionId, tuple[TurnRun, asyncio.TimerHandle]] = OrderedDict()

    def __len__(self) -> int:
        """The number of parked turns."""
        return len(self._parked)

    @property
    def session_ids(self) -> list[SessionId]:
        """The sessions of the parked turns."""
        return [*self._parked]

    def get(self, session_id: SessionId) -> TurnRun | None:
        """Returns the session's parked turn, which stays parked; None if there is none."""
        parked = self._parked.get(session_id)
        return None if parked is None else parked[0]

    def find(self, client: ClientId, call_ids: Collection[str]) -> SessionId | None:
        """Returns the client's session whose turn waits for one of the calls; None if none does."""
        for session_id, (run, _) in reversed(self._parked.items()):
            mine = run.turn.session.client == client
            if mine and any(it.id in call_ids for it in run.translator.calls):
                return session_id
        return None

    def keep(self, run: TurnRun) -> None:
        """Parks a turn."""
        session_id = run.turn.session.id
        run.process.child.on_exit = lambda: self.evict(session_id)
        timer = asyncio.get_running_loop().call_later(self._patience, self.evict, session_id)
        self._parked[session_id] = run, timer
        while len(self._parked) > self._maximum:
            self.evict(next(iter(self._parked)))

    def take(self, session_id: SessionId) -> TurnRun | None:
        """Removes and returns the session's parked turn; None if there is none."""
        if (parked := self._parked.pop(session_id, None)) is None:
            return None
        run, timer = parked
        timer.cancel()
        run.process.child.on_exit = noop
        return run

    def reconfigure(self, maximum: int, patience: float) -> None:
        """Keeps at most `maximum` turns from now on, and later ones for `patience` seconds."""
        self._maximum, self._patience = maximum, patience
        while len(self._parked) > maximum:
            self.evict(next(iter(self._parked)))

    def evict(self, session_id: SessionId) -> None:
        """Ends the session's parked turn, if any."""
        if run := self.take(session_id):
            self._end(run)

    def clear(self) -> None:
        """Ends all parked turns."""
        for session_id in list(self._parked):
            self.evict(session_id)
