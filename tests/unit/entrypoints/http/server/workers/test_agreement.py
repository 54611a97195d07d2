"""All workers carry out an order, or none, whatever ends in between."""

from typing import Any

import pytest

from modegate.entrypoints.http.server.workers.agreement import CHANGED, TOO_SLOW, Agreement
from modegate.entrypoints.http.server.workers.orders import (
    DrainOrder,
    Order,
    ReloadOrder,
    encode_order,
)

ORDER = ReloadOrder("digest", "SIGHUP")


class Own:
    """The supervisor's part."""

    def __init__(self) -> None:
        self.fault: str | None = None
        self.prepared: list[Order] = []
        self.committed: list[Order] = []

    def prepare(self, order: Order) -> str | None:
        self.prepared.append(order)
        return self.fault

    def commit(self, order: Order) -> None:
        self.committed.append(order)


class Crew:
    """Three workers, and what was sent to each."""

    def __init__(self) -> None:
        self.own = Own()
        self.sent: list[tuple[int, str, Any]] = []
        self.agreement = Agreement(self.send, self.own)
        for worker in (1, 2, 3):
            self.agreement.join(worker)

    def send(self, worker: int, kind: str, **fields: Any) -> None:
        self.sent.append((worker, kind, fields.get("fault") or fields["id"]))

    def tell(self, worker: int, kind: str, round_id: str = "a", **fields: object) -> None:
        self.agreement.receive(worker, {"kind": kind, "id": round_id, **fields})

    def propose(self, worker: int = 2, round_id: str = "a", order: Order = ORDER) -> None:
        self.tell(worker, "propose", round_id, order=encode_order(order))

    def all(self, kind: str, round_id: str = "a") -> None:
        for worker in (1, 2, 3):
            self.tell(worker, kind, round_id, **({"fault": None} if kind == "prepared" else {}))

    def taken(self) -> list[tuple[int, str, Any]]:
        sent, self.sent = self.sent, []
        return sent


@pytest.fixture
def crew() -> Crew:
    return Crew()


def to_all(kind: str, what: str = "a") -> list[tuple[int, str, Any]]:
    return [(worker, kind, what) for worker in (1, 2, 3)]


@pytest.mark.parametrize("order", [ORDER, DrainOrder(on=True), DrainOrder(on=False)])
def test_an_order_is_prepared_by_all_then_committed_by_all(crew: Crew, order: Order) -> None:
    crew.propose(order=order)
    assert crew.taken() == to_all("prepare")
    crew.tell(1, "prepared", fault=None)
    crew.tell(2, "prepared", fault=None)
    assert (crew.taken(), crew.own.committed) == ([], [])
    crew.tell(3, "prepared", fault=None)
    assert crew.own.committed == [order]
    assert crew.taken() == to_all("commit")
    crew.tell(3, "done")
    crew.tell(1, "done")
    assert crew.taken() == []
    crew.tell(2, "done")
    assert crew.taken() == [(2, "agreed", "a")]


def test_a_fault_of_one_worker_stops_all(crew: Crew) -> None:
    crew.propose()
    crew.taken()
    crew.tell(1, "prepared", fault=None)
    crew.tell(3, "prepared", fault="port: is wrong")
    assert crew.taken() == to_all("abort", "port: is wrong")
    crew.tell(2, "prepared", fault=None)
    assert (crew.taken(), crew.own.committed) == ([], [])


def test_a_fault_of_the_supervisor_stops_all(crew: Crew) -> None:
    crew.own.fault = "the file changed"
    crew.propose()
    assert crew.taken() == to_all("abort", "the file changed")
    assert crew.own.committed == []


@pytest.mark.parametrize("proposer", [1, 2])
def test_a_worker_that_ends_before_the_commit_stops_all(crew: Crew, proposer: int) -> None:
    crew.propose(proposer)
    crew.tell(2, "prepared", fault=None)
    crew.tell(3, "prepared", fault=None)
    crew.taken()
    crew.agreement.leave(1)
    assert crew.taken() == [(2, "abort", CHANGED), (3, "abort", CHANGED)]
    assert crew.own.committed == []


def test_a_worker_that_starts_before_the_commit_stops_all(crew: Crew) -> None:
    crew.propose()
    crew.taken()
    crew.agreement.join(4)
    assert crew.taken() == [*to_all("abort", CHANGED), (4, "abort", CHANGED)]


def test_a_worker_that_ends_or_starts_after_the_commit_is_not_waited_for(crew: Crew) -> None:
    crew.propose()
    crew.all("prepared")
    crew.taken()
    crew.tell(2, "done")
    crew.agreement.leave(1)
    crew.agreement.join(4)  # it was started with the order
    assert crew.taken() == []
    crew.tell(3, "done")
    assert crew.taken() == [(2, "agreed", "a")]


def test_orders_of_several_workers_are_carried_out_in_turn(crew: Crew) -> None:
    crew.propose(1, "a")
    crew.propose(3, "b", DrainOrder(on=True))
    assert crew.taken() == to_all("prepare", "a")
    crew.all("prepared")
    crew.all("done")
    assert crew.taken() == [*to_all("commit"), (1, "agreed", "a"), *to_all("prepare", "b")]
    crew.all("prepared", "b")
    crew.all("done", "b")
    assert crew.own.committed == [ORDER, DrainOrder(on=True)]
    assert crew.taken() == [*to_all("commit", "b"), (3, "agreed", "b")]


def test_the_next_order_begins_after_one_that_was_stopped(crew: Crew) -> None:
    crew.propose(1, "a")
    crew.propose(3, "b")
    crew.taken()
    crew.tell(2, "prepared", fault="no")
    assert crew.taken() == [*to_all("abort", "no"), *to_all("prepare", "b")]


def test_the_waiting_order_of_a_worker_that_has_ended_is_dropped(crew: Crew) -> None:
    crew.propose(1, "a")
    crew.propose(3, "b")
    crew.all("prepared")
    crew.taken()
    crew.agreement.leave(3)
    crew.tell(1, "done")
    crew.tell(2, "done")
    assert crew.taken() == [(1, "agreed", "a")]


def test_a_proposer_gives_up_only_before_the_commit(crew: Crew) -> None:
    crew.propose(1, "a")
    crew.propose(3, "b")
    crew.taken()
    crew.tell(3, "give up", "b")
    assert crew.taken() == [(3, "abort", TOO_SLOW)]
    crew.tell(1, "give up", "a")
    assert crew.taken() == to_all("abort", TOO_SLOW)
    crew.propose(1, "c")
    crew.all("prepared", "c")
    crew.taken()
    crew.tell(1, "give up", "c")
    assert crew.taken() == []
    crew.all("done", "c")
    assert crew.taken() == [(1, "agreed", "c")]
