"""The time that a request may take to arrive."""

from collections.abc import Callable
from typing import Any

import pytest

from modegate.entrypoints.http.server.connection.patience import Patience


class Timer:
    def __init__(self, expire: Callable[[], None]) -> None:
        self.expire = expire
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    def __init__(self) -> None:
        self.timers: list[Timer] = []

    def call_later(self, _: float, expire: Callable[[], None]) -> Timer:
        self.timers.append(Timer(expire))
        return self.timers[-1]


class Flow:
    read_paused = False


@pytest.fixture
def loop() -> Loop:
    return Loop()


def patience(loop: Any, flow: Any, expired: list[bool]) -> Patience:
    return Patience(loop, flow, lambda: expired.append(True))


def test_a_request_has_one_bound_for_all_of_its_bytes(loop: Loop) -> None:
    expired: list[bool] = []
    flow = Flow()
    bound = patience(loop, flow, expired)
    bound.start(60)
    bound.start(60)
    assert len(loop.timers) == 1
    flow.read_paused = True
    loop.timers[0].expire()
    assert expired


def test_an_upload_has_a_bound_for_each_silence(loop: Loop) -> None:
    expired: list[bool] = []
    bound = patience(loop, Flow(), expired)
    bound.start(60)
    bound.expect_upload()
    bound.start(60)
    assert [it.cancelled for it in loop.timers] == [True, False]
    loop.timers[1].expire()
    assert expired


def test_an_upload_that_is_not_read_on_does_not_expire(loop: Loop) -> None:
    expired: list[bool] = []
    flow = Flow()
    bound = patience(loop, flow, expired)
    bound.expect_upload()
    bound.start(60)
    flow.read_paused = True
    loop.timers[0].expire()
    assert not expired
    flow.read_paused = False
    loop.timers[1].expire()
    assert expired
