"""The time that a connection may wait for its next request."""

from collections.abc import Callable
from typing import Any

import pytest

from modegate.entrypoints.http.server.connection.idle_timeout import IdleTimeout

SECONDS = 5.0


class Loop:
    """An event loop whose timers are moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: dict[float, Callable[[], None]] = {}

    def time(self) -> float:
        return self.now

    def call_later(self, seconds: float, look: Callable[[], None]) -> Any:
        when = self.now + seconds
        self.timers[when] = look
        loop = self

        class Timer:
            def cancel(self) -> None:
                del loop.timers[when]

        return Timer()

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for when in [it for it in self.timers if it <= self.now]:
            self.timers.pop(when)()


@pytest.fixture
def loop() -> Any:
    return Loop()


@pytest.fixture
def expired() -> list[bool]:
    return []


@pytest.fixture
def idle(loop: Any, expired: list[bool]) -> IdleTimeout:
    return IdleTimeout(loop, SECONDS, lambda: expired.append(True))


def test_an_idle_connection_expires_once(
    loop: Loop, idle: IdleTimeout, expired: list[bool]
) -> None:
    idle.start()
    assert idle.is_running
    loop.advance(SECONDS - 1)
    assert not expired
    loop.advance(1)
    assert expired == [True]
    assert not loop.timers


def test_requests_share_one_timer_and_the_last_idle_time_counts(
    loop: Loop, idle: IdleTimeout, expired: list[bool]
) -> None:
    for _ in range(3):
        idle.start()
        loop.advance(1)
        idle.stop()
    assert len(loop.timers) == 1
    idle.start()
    loop.advance(SECONDS - 1)  # the timer fires, and is set for the rest
    assert not expired
    assert len(loop.timers) == 1
    loop.advance(1)
    assert expired


def test_a_connection_that_is_in_use_does_not_expire(
    loop: Loop, idle: IdleTimeout, expired: list[bool]
) -> None:
    idle.start()
    idle.stop()
    assert not idle.is_running
    loop.advance(10 * SECONDS)
    assert not expired
    assert not loop.timers
    idle.start()
    loop.advance(SECONDS)
    assert expired


def test_the_end_of_a_connection_leaves_no_timer(
    loop: Loop, idle: IdleTimeout, expired: list[bool]
) -> None:
    idle.start()
    idle.close()
    idle.close()
    assert not loop.timers
    loop.advance(SECONDS)
    assert not expired
