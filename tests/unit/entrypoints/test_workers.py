"""Starting workers where the system has nothing left for them."""

import errno
import os
import signal
import time
from collections.abc import Iterator

import pytest

from modegate.entrypoints import workers
from modegate.entrypoints.workers import Workers


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """The handlers of this process come back."""
    before = {number: signal.getsignal(number) for number in (*signal.Signals,)}
    yield
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, before[number])


def work(orders: int, first: bool) -> int:
    """The second one that starts has all of them stop."""
    if not first:
        os.kill(os.getppid(), signal.SIGTERM)
    return int(os.read(orders, 1) != b"s")


@pytest.mark.parametrize("call", ["pipe", "fork"])
def test_a_start_that_fails_is_tried_again_after_a_pause(
    call: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pauses: list[float] = []
    real = getattr(os, call)
    failing = [OSError(errno.EAGAIN, "used up")] * 3

    def fail_at_first() -> object:
        if failing:
            raise failing.pop()
        return real()

    monkeypatch.setattr(os, call, fail_at_first)
    monkeypatch.setattr(time, "sleep", pauses.append)
    assert Workers(2, work).run() == 0
    assert pauses == [workers.RETRY_DELAY_S] * 2
    assert caplog.text.count("a worker cannot be started (used up): trying again") == 3
