"""Brings all workers to an order, or none, without I/O.

worker      → propose →            supervisor
supervisor  → prepare →            each worker
each worker → prepared, or a fault → supervisor
supervisor  → commit, or abort →   each worker
each worker → done →               supervisor
supervisor  → agreed →             the worker that proposed it
"""

from collections import deque
from collections.abc import Callable
from dataclasses import field
from typing import Protocol

from modegate.entrypoints.http.server.workers.orders import (
    Message,
    Order,
    decode_order,
    encode_order,
)
from modegate.lazy_dataclass import dataclass

CHANGED = "a worker ended or was started meanwhile: try again"
TOO_SLOW = "a worker did not answer in time: try again"

# Sends a message of a kind to a worker.
Send = Callable[..., None]


class OwnPart(Protocol):
    """What the supervisor does itself, so that later workers begin with the order."""

    def prepare(self, order: Order) -> str | None:
        """Gets ready to carry out an order; returns the fault if that is not possible."""
        ...

    def commit(self, order: Order) -> None:
        """Carries out an order."""
        ...


@dataclass(slots=True)
class _Round:
    id: str
    order: Order
    proposer: int
    is_committed: bool = False
    waiting: set[int] = field(default_factory=set)


class Agreement:
    """Runs one round after the other; `send(worker, kind, **fields)` sends a message."""

    def __init__(self, send: Send, own: OwnPart) -> None:
        self._send = send
        self._own = own
        self._workers: set[int] = set()
        self._rounds: deque[_Round] = deque()

    def join(self, worker: int) -> None:
        """Adds a worker; it was started with the last order that was committed."""
        self._workers.add(worker)
        if self._rounds and not self._rounds[0].is_committed:
            self._abort(CHANGED)

    def leave(self, worker: int) -> None:
        """Removes a worker that has ended."""
        self._workers.discard(worker)
        if not self._rounds:
            return
        current = self._rounds[0]
        later = (it for it in list(self._rounds)[1:] if it.proposer != worker)
        self._rounds = deque([current, *later])
        if not current.is_committed:
            self._abort(CHANGED)
        else:
            self._note(worker)

    def receive(self, worker: int, message: Message) -> None:
        """Handles a message of a worker; one about a round that is over is ignored."""
        round_id = str(message.get("id"))
        if message.get("kind") == "propose":
            self._rounds.append(_Round(round_id, decode_order(message.get("order")), worker))
            if len(self._rounds) == 1:
                self._begin()
            return
        if message.get("kind") == "give up":
            self._give_up(round_id)
            return
        if not self._rounds or self._rounds[0].id != round_id:
            return
        fault = message.get("fault")
        if fault is not None and not self._rounds[0].is_committed:
            self._abort(str(fault))
        elif (message.get("kind") == "done") is self._rounds[0].is_committed:
            self._note(worker)

    def _begin(self) -> None:
        current = self._rounds[0]
        if (fault := self._own.prepare(current.order)) is not None:
            self._abort(fault)
            return
        current.waiting = set(self._workers)
        self._tell_all("prepare", current, order=encode_order(current.order))

    def _note(self, worker: int) -> None:
        """Notes that a worker has done its part of the current round."""
        current = self._rounds[0]
        current.waiting.discard(worker)
        if current.waiting:
            return
        if not current.is_committed:
            current.is_committed = True
            current.waiting = set(self._workers)
            self._own.commit(current.order)
            self._tell_all("commit", current, order=encode_order(current.order))
            return
        self._tell(current.proposer, "agreed", current)
        self._end()

    def _abort(self, fault: str) -> None:
        self._tell_all("abort", self._rounds[0], fault=fault)
        self._end()

    def _end(self) -> None:
        self._rounds.popleft()
        if self._rounds:
            self._begin()

    def _give_up(self, round_id: str) -> None:
        if self._rounds and self._rounds[0].id == round_id:
            if not self._rounds[0].is_committed:
                self._abort(TOO_SLOW)
            return
        for later in [it for it in self._rounds if it.id == round_id]:
            self._rounds.remove(later)
            self._tell(later.proposer, "abort", later, fault=TOO_SLOW)

    def _tell_all(self, kind: str, told: _Round, **fields: object) -> None:
        for worker in sorted(self._workers):
            self._tell(worker, kind, told, **fields)

    def _tell(self, worker: int, kind: str, told: _Round, **fields: object) -> None:
        if worker in self._workers:
            self._send(worker, kind, id=told.id, **fields)
