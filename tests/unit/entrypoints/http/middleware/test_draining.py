"""What draining reports, rejects and delays."""

import falcon.asgi
import pytest

from modegate.domain.errors.busy_errors import ShuttingDownError
from modegate.entrypoints.http.middleware.draining import AVAILABLE_WHILE_DRAINING, Draining


class Clock:
    seconds = 100.0

    def now(self) -> float:
        return self.seconds


class Health:
    pass


setattr(Health, AVAILABLE_WHILE_DRAINING, True)


def rejects(draining: Draining, resource: object = None) -> bool:
    resp = falcon.asgi.Response()
    try:
        draining.check(resp, resource)
    except ShuttingDownError:
        assert resp.get_header("Connection") == "close"
        return True
    return False


def test_without_a_delay_requests_are_rejected_at_once() -> None:
    draining = Draining()
    assert not rejects(draining)
    assert draining.end() == 0
    assert draining.is_draining
    assert rejects(draining)
    assert not rejects(draining, Health())


def test_requests_are_accepted_until_the_delay_has_passed() -> None:
    clock = Clock()
    draining = Draining(lambda: 5.0, clock.now)
    assert draining.end() == 5
    assert draining.is_draining
    assert not rejects(draining)
    clock.seconds += 4
    assert draining.end() == 1
    clock.seconds += 1
    assert rejects(draining)
    assert draining.end() == 0


def test_a_shutdown_counts_the_delay_from_the_start_of_draining() -> None:
    clock = Clock()
    draining = Draining(lambda: 5.0, clock.now)
    draining.switch(on=True)
    clock.seconds += 60
    assert rejects(draining)
    assert draining.end() == 0


@pytest.mark.parametrize("ends", [True, False])
def test_draining_is_taken_back_unless_the_process_ends(*, ends: bool) -> None:
    draining = Draining()
    draining.switch(on=True)
    if ends:
        draining.end()
    draining.switch(on=False)
    assert draining.is_draining == ends
    assert rejects(draining) == ends
