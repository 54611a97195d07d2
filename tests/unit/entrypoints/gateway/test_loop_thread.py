"""Calls from threads, while the loop is closed by another one."""

import asyncio
import threading

import pytest

from modegate.entrypoints.gateway.loop_thread import LoopThread

ROUNDS, CALLERS = 60, 4
# Seconds; ends a test that fails.
PATIENCE_S = 60.0


async def nothing() -> None:
    await asyncio.sleep(0)


async def without_end() -> None:
    await asyncio.Event().wait()


class Caller(threading.Thread):
    """Calls without end, until it gets an error."""

    def __init__(self, loop: LoopThread) -> None:
        super().__init__(daemon=True)
        self.error: BaseException | None = None
        self.has_called = threading.Event()
        self._loop_thread = loop
        self.start()

    def run(self) -> None:
        try:
            while True:
                self._loop_thread.call(nothing())
                self.has_called.set()
        except BaseException as error:  # noqa: BLE001 - looked at by the test
            self.error = error


def test_no_call_waits_for_a_loop_that_was_closed() -> None:
    for _ in range(ROUNDS):
        loop = LoopThread()
        callers = [Caller(loop) for _ in range(CALLERS)]
        for caller in callers:
            assert caller.has_called.wait(PATIENCE_S)
        loop.close(nothing())
        for caller in callers:
            caller.join(PATIENCE_S)
            assert str(caller.error) == "the gateway was closed"


def test_a_call_that_runs_at_the_end_gets_a_clear_error() -> None:
    loop, begun, errors = LoopThread(), threading.Event(), list[BaseException]()

    async def work() -> None:
        begun.set()
        await without_end()

    def call() -> None:
        with pytest.raises(RuntimeError, match="the gateway was closed") as raised:
            loop.call(work())
        errors.append(raised.value)

    caller = threading.Thread(target=call, daemon=True)
    caller.start()
    assert begun.wait(PATIENCE_S)
    loop.close(nothing())
    caller.join(PATIENCE_S)
    assert errors


def test_a_loop_may_be_closed_twice() -> None:
    loop = LoopThread()
    loop.close(nothing())
    loop.close(nothing())
    with pytest.raises(RuntimeError, match="the gateway was closed"):
        loop.call(nothing())
