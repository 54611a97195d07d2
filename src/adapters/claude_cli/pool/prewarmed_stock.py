"""The stock of prewarmed processes: ready ones by model, and reserved ones by session."""

import time
from collections import deque
from collections.abc import Callable, Container
from dataclasses import field

from modegate.adapters.claude_cli.process.child_process import noop
from modegate.adapters.claude_cli.process.cli_process import CliProcess
from modegate.domain.session import SessionId
from modegate.lazy_dataclass import dataclass

# Replace older processes, because what they read at their start may have changed.
MAX_AGE_S = 1800.0


@dataclass(frozen=True, slots=True)
class Prewarmed:
    """A prewarmed process, loaded or still loading, and its start time."""

    process: CliProcess
    began: float = field(default_factory=time.monotonic)

    @property
    def cli_model(self) -> str:
        """The model that the process was started with."""
        return self.process.launch.cli_model

    @property
    def session_id(self) -> SessionId:
        """The session that the process was started with."""
        return self.process.launch.session_id

    def fresh(self, version: object) -> bool:
        """Returns whether the process is young, alive, and of the current `version`."""
        young = time.monotonic() - self.began < MAX_AGE_S
        return young and self.process.alive and self.process.place.version == version


class PrewarmedStock:
    """Holds the processes, and passes discarded ones to `drop`."""

    def __init__(self, drop: Callable[[CliProcess], object]) -> None:
        self._drop = drop
        self._ready: dict[str, deque[Prewarmed]] = {}
        self._reserved: dict[SessionId, Prewarmed] = {}

    def __len__(self) -> int:
        """The number of processes, reserved ones included."""
        return sum(map(len, self._ready.values())) + len(self._reserved)

    @property
    def session_ids(self) -> set[SessionId]:
        """The ids of the processes' sessions."""
        ready = (it.session_id for queue in self._ready.values() for it in queue)
        return {*ready, *self._reserved}

    def count(self, cli_model: str) -> int:
        """Returns the number of the model's processes, reserved ones included."""
        reserved = sum(it.cli_model == cli_model for it in self._reserved.values())
        return len(self._ready.get(cli_model, ())) + reserved

    def add(self, ready: Prewarmed) -> None:
        """Adds a process that was just started."""
        self._ready.setdefault(ready.cli_model, deque()).append(ready)

    def reserve(self, cli_model: str, version: Callable[[], object]) -> Prewarmed | None:
        """Reserves the model's oldest fresh process; discards stale ones on the way."""
        queue = self._ready.get(cli_model, deque())
        current = version() if queue else None
        while queue:
            ready = queue.popleft()
            if ready.fresh(current):
                self._reserved[ready.session_id] = ready
                return ready
            self.discard(ready)
        return None

    def take(self, session_id: SessionId) -> CliProcess | None:
        """Removes and returns the process reserved under this id; None if there is none."""
        ready = self._reserved.pop(session_id, None)
        if ready is None:
            return None
        ready.process.child.on_exit = noop
        return ready.process

    def end_reservation(self, ready: Prewarmed, *, keep: bool) -> None:
        """Makes a reserved process ready again, or discards it; a no-op if it was taken."""
        if self._reserved.pop(ready.session_id, None) is None:
            return
        if keep:
            self._ready[ready.cli_model].appendleft(ready)
        else:
            self.discard(ready)

    def discard(self, ready: Prewarmed) -> None:
        """Drops a process that is not, or no longer, in a queue."""
        ready.process.child.on_exit = noop
        self._drop(ready.process)

    def remove(self, ready: Prewarmed) -> None:
        """Discards a ready process; a no-op if it is reserved or gone."""
        queue = self._ready[ready.cli_model]
        if ready in queue:
            queue.remove(ready)
            self.discard(ready)

    def retire(self, models: Container[str], version: object, number: int) -> None:
        """Discards ready processes that are not fresh, or whose model is not in `models`.

        Of each model, `number` stay.
        """
        for cli_model, queue in self._ready.items():
            for ready in list(queue):
                if cli_model not in models or not ready.fresh(version) or len(queue) > number:
                    self.remove(ready)

    def clear(self) -> None:
        """Discards all ready processes."""
        for queue in self._ready.values():
            while queue:
                self.discard(queue.popleft())
